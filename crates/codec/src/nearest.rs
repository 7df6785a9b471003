//! Suggestions for misspelled names.

/// The maximum length of a compared name in bytes: the cost grows with the product of the lengths.
const LONGEST: usize = 64;

/// Returns `; did you mean x?` if a candidate is close to `name`, or an empty text.
pub fn suggestion<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> String {
    nearest(name, candidates).map_or_else(String::new, |candidate| format!("; did you mean {candidate}?"))
}

/// Returns the candidate that is closest to `name`, if any is close.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > LONGEST {
        return None;
    }
    let max_distance = (name.chars().count() / 3).max(1);
    let (distance, best) = candidates
        .filter(|candidate| candidate.len() <= LONGEST)
        .map(|candidate| (distance(name, candidate), candidate))
        .min_by_key(|(distance, _)| *distance)?;
    (distance <= max_distance).then_some(best)
}

/// Returns the number of edits between two names, ignoring case and underscores. A relation's name has distance 0 to the field
/// that holds its id.
fn distance(name: &str, candidate: &str) -> usize {
    let plain = |name: &str| name.replace('_', "").to_lowercase();
    let (name, candidate) = (plain(name), plain(candidate));
    if candidate.strip_suffix("id").is_some_and(|relation| !relation.is_empty() && relation == name) {
        return 0;
    }
    strsim::damerau_levenshtein(&name, &candidate)
}

#[cfg(test)]
mod tests {
    use super::suggestion;

    #[test]
    fn only_close_names_are_suggested() {
        let names = ["field1", "createdAt", "title", "author_id"];
        assert_eq!(suggestion("author", names.into_iter()), "; did you mean author_id?");
        assert_eq!(suggestion("feild1", names.into_iter()), "; did you mean field1?");
        assert_eq!(suggestion("CREATED_AT", names.into_iter()), "; did you mean createdAt?");
        assert_eq!(suggestion("publisher", names.into_iter()), "");
        assert_eq!(suggestion(&"t".repeat(10_000), names.into_iter()), "");
    }
}
