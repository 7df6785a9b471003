//! The name that somebody probably meant.

/// The longest name that is compared: distance costs the product of the lengths.
const LONGEST: usize = 64;

/// `; did you mean x?` if one of the candidates is close to `name`, or nothing.
pub fn suggestion<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> String {
    if name.len() > LONGEST {
        return String::new();
    }
    let tolerated = (name.chars().count() / 3).max(1);
    let best = candidates
        .filter(|candidate| candidate.len() <= LONGEST)
        .map(|candidate| (distance(name, candidate), candidate))
        .min_by_key(|(distance, _)| *distance);
    match best {
        Some((distance, candidate)) if distance <= tolerated => format!("; did you mean {candidate}?"),
        _ => String::new(),
    }
}

/// Edits between two names, where case and underscores count for nothing.
fn distance(left: &str, right: &str) -> usize {
    let plain = |name: &str| name.replace('_', "").to_lowercase();
    strsim::damerau_levenshtein(&plain(left), &plain(right))
}

#[cfg(test)]
mod tests {
    use super::suggestion;

    #[test]
    fn names_what_is_close_and_nothing_else() {
        let names = ["field1", "createdAt", "title"];
        assert_eq!(suggestion("feild1", names.into_iter()), "; did you mean field1?");
        assert_eq!(suggestion("CREATED_AT", names.into_iter()), "; did you mean createdAt?");
        assert_eq!(suggestion("publisher", names.into_iter()), "");
        assert_eq!(suggestion(&"t".repeat(10_000), names.into_iter()), "");
    }
}
