//! The name that somebody probably meant.

/// The longest name that is compared: distance costs the product of the lengths.
const LONGEST: usize = 64;

/// `; did you mean x?` if one of the candidates is close to `name`, or nothing.
pub fn suggestion<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> String {
    nearest(name, candidates).map_or_else(String::new, |candidate| format!("; did you mean {candidate}?"))
}

/// The candidate that is closest to `name`, if one is close.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > LONGEST {
        return None;
    }
    let tolerated = (name.chars().count() / 3).max(1);
    let (distance, best) = candidates
        .filter(|candidate| candidate.len() <= LONGEST)
        .map(|candidate| (distance(name, candidate), candidate))
        .min_by_key(|(distance, _)| *distance)?;
    (distance <= tolerated).then_some(best)
}

/// Edits between two names. Case and underscores do not count, and a relation's name is as close as can be to the field that
/// holds its id.
fn distance(asked: &str, candidate: &str) -> usize {
    let plain = |name: &str| name.replace('_', "").to_lowercase();
    let (asked, candidate) = (plain(asked), plain(candidate));
    if candidate.strip_suffix("id").is_some_and(|relation| !relation.is_empty() && relation == asked) {
        return 0;
    }
    strsim::damerau_levenshtein(&asked, &candidate)
}

#[cfg(test)]
mod tests {
    use super::suggestion;

    #[test]
    fn names_what_is_close_and_nothing_else() {
        let names = ["field1", "createdAt", "title", "author_id"];
        assert_eq!(suggestion("author", names.into_iter()), "; did you mean author_id?");
        assert_eq!(suggestion("feild1", names.into_iter()), "; did you mean field1?");
        assert_eq!(suggestion("CREATED_AT", names.into_iter()), "; did you mean createdAt?");
        assert_eq!(suggestion("publisher", names.into_iter()), "");
        assert_eq!(suggestion(&"t".repeat(10_000), names.into_iter()), "");
    }
}
