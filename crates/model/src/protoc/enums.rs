//! Checks of enums that are not linked yet.

use super::uninterpreted::{check_uninterpreted, is_built_in};
use super::{Reporter, join_path, reserved, tag};
use prost_types::EnumDescriptorProto;
use std::collections::{BTreeSet, HashMap};

pub(super) fn check(enumeration: &EnumDescriptorProto, path: &[i32], reporter: &mut Reporter<'_>) {
    reserved::check_enum(enumeration, path, reporter);
    let options = enumeration.options.iter().flat_map(|options| &options.uninterpreted_option);
    let values =
        enumeration.value.iter().flat_map(|value| &value.options).flat_map(|options| &options.uninterpreted_option);
    check_uninterpreted(options.chain(values), path, reporter);
    let numbers: BTreeSet<i32> = enumeration.value.iter().map(|value| value.number()).collect();
    if allows_alias(enumeration) && numbers.len() == enumeration.value.len() {
        let message_text =
            format!("{} has `allow_alias`, but no two of its values have the same number", enumeration.name());
        reporter.report(path, message_text, "remove `allow_alias`");
    }
    if !reporter.is_proto3() {
        return;
    }
    // Generators remove the enum's name from its values, and change their case.
    let mut names: HashMap<String, (&str, i32)> = HashMap::new();
    for (value, at) in enumeration.value.iter().zip(0..) {
        let (name, number) =
            *names.entry(short_name(enumeration.name(), value.name())).or_insert((value.name(), value.number()));
        if number != value.number() {
            let message_text = format!(
                "the values {name} and {} of {} are equal without the enum's name",
                value.name(),
                enumeration.name()
            );
            reporter.report(&join_path(path, [tag::VALUE, at]), message_text, "rename one of them");
        }
    }
}

fn allows_alias(enumeration: &EnumDescriptorProto) -> bool {
    let Some(options) = &enumeration.options else { return false };
    let is_written = options
        .uninterpreted_option
        .iter()
        .any(|option| is_built_in(option, "allow_alias") && option.identifier_value.as_deref() == Some("true"));
    options.allow_alias() || is_written
}

/// Returns a value's name as generators shorten it: without the prefix of the enum's name, and in UpperCamelCase.
fn short_name(enumeration: &str, value: &str) -> String {
    upper_camel_words(without_prefix(enumeration, value).unwrap_or(value))
}

/// Returns the part of a value's name after the enum's name, ignoring case and `_`; `None` if nothing follows.
fn without_prefix<'a>(enumeration: &str, value: &'a str) -> Option<&'a str> {
    let mut letters = value.char_indices().filter(|(_, letter)| *letter != '_');
    for expected in enumeration.chars().filter(|letter| *letter != '_') {
        let (_, letter) = letters.next()?;
        if !letter.eq_ignore_ascii_case(&expected) {
            return None;
        }
    }
    letters.next().and_then(|(at, _)| value.get(at..))
}

fn upper_camel_words(value: &str) -> String {
    let mut starts_word = true;
    let letters = value.chars().filter_map(|letter| {
        let starts = std::mem::replace(&mut starts_word, letter == '_');
        let letter = if starts { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() };
        (letter != '_').then_some(letter)
    });
    letters.collect()
}

#[cfg(test)]
mod tests {
    use super::short_name;

    #[test]
    fn the_prefix_of_the_enum_is_removed() {
        for (enumeration, value, expected) in [
            ("Kind", "KIND_OLD", "Old"),
            ("Kind", "OLD", "Old"),
            ("BookKind", "BOOK_KIND_VERY_OLD", "VeryOld"),
            ("Kind", "KIND", "Kind"),
            ("Kind", "KIN", "Kin"),
            ("Kind", "KIND_", "Kind"),
        ] {
            assert_eq!(short_name(enumeration, value), expected, "{enumeration} {value}");
        }
    }
}
