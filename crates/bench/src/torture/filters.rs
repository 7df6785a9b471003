//! Filters of all kinds, one per watcher. Most match a few percent of the changes, some match all.

/// The words with which texts start.
pub(super) const WORDS: [&str; 32] = [
    "alder", "apple", "ash", "aspen", "beech", "birch", "box", "cedar", "cherry", "cypress", "elder", "elm", "fir",
    "hazel", "holly", "ivy", "juniper", "larch", "laurel", "lime", "maple", "mulberry", "oak", "olive", "pear", "pine",
    "plane", "plum", "poplar", "rowan", "willow", "yew",
];

/// The exclusive upper limit of numbers.
pub(super) const NUMBERS: u32 = 10_000;

/// Returns the filter of a watcher. Every filter matches the end record.
pub(super) fn filter(number: usize, end: &str) -> String {
    let kind = number % KINDS;
    // Some watchers receive everything, including slow and reconnecting ones.
    if matches!(number, 0 | 5 | 10 | 15 | 20 | 40) {
        return String::new();
    }
    // Some watchers receive only the end record: only bookmarks advance their tokens.
    if matches!(number, 7 | 21 | 41) {
        return format!("field2 < 0.0 || field1 == \"{end}\"");
    }
    let by = number / KINDS;
    format!("({}) || field1 == \"{end}\"", condition(kind, number, by))
}

const KINDS: usize = 18;

fn condition(kind: usize, number: usize, by: usize) -> String {
    let word = word(number);
    let other = self::word(number * 7 + 3);
    let low = number * 47 % 9_700;
    let high = low + 150;
    let digit = format!("{:x}", number % 16);
    match kind {
        0 => format!("field2 >= {low}.0 && field2 < {high}.0"),
        1 => format!("field1.startsWith(\"{word} \")"),
        2 => {
            let texts: Vec<String> = (1..=6).map(|version| format!("\"{word} {version} by {}\"", by % 4)).collect();
            format!("field1 in [{}]", texts.join(", "))
        }
        3 => format!("field2 * 2.0 + 1.0 < {}.0", 200 + number),
        4 => format!("field2 < {}.0 || field2 > 9900.0", 50 + by),
        5 => format!("!(field2 < {}.0)", 9_800 - by),
        6 => format!("field1.contains(\"{word} 2\")"),
        7 => format!("field1.matches(\"^({word}|{other}) [0-9]*[05] \")"),
        8 => format!("id >= \"{digit}1\" && id < \"{digit}5\""),
        9 => format!("has(updated_at) && field2 >= {low}.0 && field2 <= {high}.0"),
        10 => format!("field1.endsWith(\" 4 by {}\")", number % 8),
        11 => format!("size(field1) > {}", 21 + by % 3),
        12 => format!("field2 in [{low}.0, {}.0, {}.0, 17.0, 18.0, 19.0]", low + 1, low + 2),
        13 => format!("updated_at > created_at && field2 < {}.0", 200 + by),
        14 => format!("created_at < timestamp(\"2020-01-01T00:00:00Z\") || field2 == {low}.0"),
        15 => format!("field1 > \"{word}\" && field1 < \"{word} 3\""),
        16 => format!("field1.startsWith(\"{other} \") ? field2 < 5000.0 : field2 > 9950.0"),
        _ => format!("field1 == \"{word} 1 by {}\" || field2 - 100.0 > {}.0", by % 4, 9_750 + by),
    }
}

fn word(number: usize) -> &'static str {
    WORDS.get(number % WORDS.len()).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn each_follower_has_its_own_and_some_hear_everything() {
        let filters: Vec<String> = (0..200).map(|number| filter(number, "the end")).collect();
        assert_eq!(filters.iter().filter(|filter| filter.is_empty()).count(), 6);
        assert!(filters.iter().collect::<HashSet<_>>().len() > 150);
        assert!(filters.iter().all(|filter| filter.is_empty() || filter.ends_with(" || field1 == \"the end\"")));
    }
}
