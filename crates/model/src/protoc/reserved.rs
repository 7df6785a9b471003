//! Checks of reserved numbers and names.

use super::Reporter;
use prost_types::{DescriptorProto, EnumDescriptorProto};
use std::collections::BTreeSet;

pub(super) fn check_message(message: &DescriptorProto, path: &[i32], reporter: &mut Reporter<'_>) {
    let name = message.name();
    // The ends of these ranges are exclusive.
    let reserved = message.reserved_range.iter().map(|range| (range.start(), range.end().saturating_sub(1)));
    let open = message.extension_range.iter().map(|range| (range.start(), range.end().saturating_sub(1)));
    let ranges: Vec<(i32, i32)> = reserved.chain(open).collect();
    if ranges.iter().any(|(start, _)| *start < 1) {
        reporter.report(path, format!("{name} reserves a number below 1"), "reserve numbers from 1");
    }
    check_ranges(name, ranges, path, reporter);
    let fields = message.field.iter().map(|field| field.name());
    check_names(name, &message.reserved_name, fields, path, reporter);
}

pub(super) fn check_enum(enumeration: &EnumDescriptorProto, path: &[i32], reporter: &mut Reporter<'_>) {
    let ranges = enumeration.reserved_range.iter().map(|range| (range.start(), range.end())).collect();
    check_ranges(enumeration.name(), ranges, path, reporter);
    let values = enumeration.value.iter().map(|value| value.name());
    check_names(enumeration.name(), &enumeration.reserved_name, values, path, reporter);
}

/// Checks ranges with inclusive ends.
fn check_ranges(name: &str, mut ranges: Vec<(i32, i32)>, path: &[i32], reporter: &mut Reporter<'_>) {
    if let Some((start, end)) = ranges.iter().find(|(start, end)| start > end) {
        let message_text = format!("{name} has a range that ends before it starts: {start} to {end}");
        reporter.report(path, message_text, "write the smaller number first");
        return;
    }
    ranges.sort_unstable();
    let overlap = ranges.windows(2).find_map(|pair| match pair {
        [(_, end), (start, _)] if start <= end => Some(*start),
        _ => None,
    });
    if let Some(number) = overlap {
        let message_text = format!("two reserved or extension ranges of {name} contain {number}");
        reporter.report(path, message_text, "include each number in one range");
    }
}

fn check_names<'a>(
    name: &str,
    reserved: &[String],
    used: impl Iterator<Item = &'a str>,
    path: &[i32],
    reporter: &mut Reporter<'_>,
) {
    let mut known = BTreeSet::new();
    if let Some(twice) = reserved.iter().find(|reserved| !known.insert(reserved.as_str())) {
        reporter.report(path, format!("{name} reserves the name {twice:?} twice"), "reserve it once");
    }
    for used in used.filter(|used| known.contains(used)) {
        let message_text = format!("{name} uses the name {used}, which it reserves");
        reporter.report(path, message_text, "choose another name, or remove it from `reserved`");
    }
}
