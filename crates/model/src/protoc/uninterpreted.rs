//! Options before they are interpreted.

use super::Report;
use prost_types::UninterpretedOption;

/// Whether an option that is not interpreted yet is one of Protocol Buffers' own of a name.
pub(super) fn is_plain(option: &UninterpretedOption, name: &str) -> bool {
    matches!(&option.name[..], [part] if !part.is_extension && part.name_part == name)
}

/// Checks that nobody sets the option in which compilers keep those that they have not interpreted.
pub(super) fn check_uninterpreted<'a>(
    options: impl IntoIterator<Item = &'a UninterpretedOption>,
    path: &[i32],
    report: &mut Report<'_>,
) {
    let first =
        |option: &UninterpretedOption| option.name.first().map(|part| (part.is_extension, part.name_part.clone()));
    if options.into_iter().any(|option| first(option) == Some((false, "uninterpreted_option".to_owned()))) {
        report.say(path, "the option `uninterpreted_option` is for compilers", "remove the option");
    }
}
