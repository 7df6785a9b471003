//! Determines which texts, patterns and words a trigram or full-text index can search for.
//!
//! Without such a part, PostgreSQL reads the whole index, which is useless.

use crate::ir::{Pattern, TextTest};
use regex_syntax::hir::{Hir, HirKind};

/// The number of consecutive letters and digits that always contain a trigram.
const TRIGRAM: usize = 3;

/// The same at the start or end of a text, where PostgreSQL adds a space.
const TRIGRAM_AT_END: usize = 2;

/// Whether all texts with this part have a trigram in common.
pub(super) fn part_has_trigrams(test: TextTest, part: &str) -> bool {
    let at_an_end = match test {
        TextTest::StartsWith => part.chars().take_while(|letter| letter.is_alphanumeric()).count(),
        TextTest::EndsWith => part.chars().rev().take_while(|letter| letter.is_alphanumeric()).count(),
        TextTest::Contains => 0,
    };
    at_an_end >= TRIGRAM_AT_END || longest_run(part) >= TRIGRAM
}

/// Whether all matching texts contain a required literal, and thus a common trigram.
pub(super) fn pattern_has_trigrams(pattern: &Pattern) -> bool {
    // The pattern was validated before, and means the same to this parser.
    regex_syntax::parse(&pattern.postgres).is_ok_and(|hir| requires_literal(&hir))
}

fn requires_literal(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Literal(literal) => std::str::from_utf8(&literal.0).is_ok_and(|text| longest_run(text) >= TRIGRAM),
        HirKind::Capture(capture) => requires_literal(&capture.sub),
        HirKind::Concat(parts) => parts.iter().any(requires_literal),
        HirKind::Alternation(parts) => parts.iter().all(requires_literal),
        // PostgreSQL does not extract trigrams from large expressions such as repetitions.
        HirKind::Repetition(_) | HirKind::Empty | HirKind::Class(_) | HirKind::Look(_) => false,
    }
}

fn longest_run(text: &str) -> usize {
    text.split(|letter: char| !letter.is_alphanumeric()).map(|run| run.chars().count()).max().unwrap_or_default()
}

/// Whether each branch of a search, separated by `or`, has a required word.
pub(super) fn requires_words(words: &str) -> bool {
    let mut rest = words;
    let mut branches = vec![];
    // Whether the branch has words, and whether one of them is required.
    let (mut has_words, mut has_required, mut negated) = (false, false, false);
    loop {
        rest = rest.trim_start_matches(|letter: char| !letter.is_alphanumeric() && letter != '"' && letter != '-');
        if rest.is_empty() {
            break;
        }
        if let Some(after) = rest.strip_prefix('-') {
            (rest, negated) = (after, true);
            continue;
        }
        let word = match rest.strip_prefix('"') {
            Some(after) => {
                let (phrase, after) = after.split_once('"').unwrap_or((after, ""));
                rest = after;
                phrase
            }
            None => {
                let end = rest.find(|letter: char| letter.is_whitespace() || letter == '"').unwrap_or(rest.len());
                let (word, after) = rest.split_at(end);
                rest = after;
                if !negated && word.eq_ignore_ascii_case("or") {
                    branches.push((has_words, has_required));
                    (has_words, has_required) = (false, false);
                    continue;
                }
                word
            }
        };
        if word.contains(char::is_alphanumeric) {
            has_words = true;
            has_required |= !negated;
        }
        negated = false;
    }
    branches.push((has_words, has_required));
    branches.retain(|(has_words, _)| *has_words);
    !branches.is_empty() && branches.iter().all(|(_, has_required)| *has_required)
}

#[cfg(test)]
mod tests {
    use super::{part_has_trigrams, pattern_has_trigrams, requires_words};
    use crate::ir::TextTest::{Contains, EndsWith, StartsWith};
    use crate::pattern::compile;

    #[test]
    fn parts_need_consecutive_letters() {
        for (test, part, expected) in [
            (Contains, "abc", true),
            (Contains, "a1ö", true),
            (Contains, "ab", false),
            (Contains, "ab cd", false),
            (Contains, "%%%", false),
            (Contains, "--abc--", true),
            (EndsWith, "ab", true),
            (EndsWith, "a", false),
            (EndsWith, "ab!", false),
            (StartsWith, "ab", true),
            (StartsWith, "-ab", false),
        ] {
            assert_eq!(part_has_trigrams(test, part), expected, "{test:?} {part}");
        }
    }

    #[test]
    fn patterns_need_a_literal() {
        for (pattern, expected) in [
            ("abc", true),
            ("^a.*xyz$", true),
            ("(abc|xyz)", true),
            ("abc|.", false),
            ("a.b.c", false),
            (".*", false),
            ("(abc)?", false),
            ("a{3}", false),
            ("[a-z]+", false),
            ("a b c", false),
        ] {
            assert_eq!(pattern_has_trigrams(&compile(pattern).unwrap()), expected, "{pattern}");
        }
    }

    #[test]
    fn searches_need_a_word_in_each_branch() {
        for (words, expected) in [
            ("cat", true),
            ("cat -dog", true),
            ("-dog cat", true),
            ("-dog", false),
            ("- dog", false),
            ("-\"big dog\"", false),
            ("\"big dog\" -cat", true),
            ("cat or -dog", false),
            ("cat OR dog -cow", true),
            ("-\"a or b\"", false),
            ("\"cat", true),
            ("well-known", true),
            ("cat or", true),
            ("or", false),
        ] {
            assert_eq!(requires_words(words), expected, "{words}");
        }
    }
}
