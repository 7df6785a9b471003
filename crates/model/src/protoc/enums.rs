//! Checks of enums that are not linked yet.

use super::uninterpreted::{check_uninterpreted, is_plain};
use super::{Report, reserved, tag, within};
use prost_types::EnumDescriptorProto;
use std::collections::{BTreeSet, HashMap};

pub(super) fn check(of: &EnumDescriptorProto, path: &[i32], report: &mut Report<'_>) {
    reserved::check_enum(of, path, report);
    let options = of.options.iter().flat_map(|options| &options.uninterpreted_option);
    let values = of.value.iter().flat_map(|value| &value.options).flat_map(|options| &options.uninterpreted_option);
    check_uninterpreted(options.chain(values), path, report);
    let numbers: BTreeSet<i32> = of.value.iter().map(|value| value.number()).collect();
    if allows_alias(of) && numbers.len() == of.value.len() {
        let text = format!("{} has `allow_alias`, and no two of its values have one number", of.name());
        report.say(path, text, "remove `allow_alias`");
    }
    if !report.is_proto3() {
        return;
    }
    // Generators remove the enum's name from its values, and change their case.
    let mut names: HashMap<String, (&str, i32)> = HashMap::new();
    for (value, at) in of.value.iter().zip(0..) {
        let (name, number) = *names.entry(short(of.name(), value.name())).or_insert((value.name(), value.number()));
        if number != value.number() {
            let text =
                format!("the values {name} and {} of {} are one name without the enum's own", value.name(), of.name());
            report.say(&within(path, [tag::VALUE, at]), text, "rename one of them");
        }
    }
}

fn allows_alias(of: &EnumDescriptorProto) -> bool {
    let Some(options) = &of.options else { return false };
    let is_written = options
        .uninterpreted_option
        .iter()
        .any(|option| is_plain(option, "allow_alias") && option.identifier_value.as_deref() == Some("true"));
    options.allow_alias() || is_written
}

/// Returns a value's name as generators shorten it: without the prefix of the enum's name, and in UpperCamelCase.
fn short(of: &str, value: &str) -> String {
    camel(without_prefix(of, value).unwrap_or(value))
}

/// Returns the part of a value's name after the enum's name, ignoring case and `_`; `None` if nothing follows.
fn without_prefix<'a>(of: &str, value: &'a str) -> Option<&'a str> {
    let mut letters = value.char_indices().filter(|(_, letter)| *letter != '_');
    for expected in of.chars().filter(|letter| *letter != '_') {
        let (_, letter) = letters.next()?;
        if !letter.eq_ignore_ascii_case(&expected) {
            return None;
        }
    }
    letters.next().and_then(|(at, _)| value.get(at..))
}

fn camel(value: &str) -> String {
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
    use super::short;

    #[test]
    fn the_name_of_the_enum_is_left_out() {
        for (of, value, expected) in [
            ("Kind", "KIND_OLD", "Old"),
            ("Kind", "OLD", "Old"),
            ("BookKind", "BOOK_KIND_VERY_OLD", "VeryOld"),
            ("Kind", "KIND", "Kind"),
            ("Kind", "KIN", "Kin"),
            ("Kind", "KIND_", "Kind"),
        ] {
            assert_eq!(short(of, value), expected, "{of} {value}");
        }
    }
}
