//! Checks of options that are not interpreted yet.

use super::Reporter;
use prost_types::UninterpretedOption;

/// Returns whether an uninterpreted option is the built-in option of a name.
pub(super) fn is_built_in(option: &UninterpretedOption, name: &str) -> bool {
    matches!(&option.name[..], [part] if !part.is_extension && part.name_part == name)
}

/// Checks that no one sets `uninterpreted_option`, in which compilers store uninterpreted options.
pub(super) fn check_uninterpreted<'a>(
    options: impl IntoIterator<Item = &'a UninterpretedOption>,
    path: &[i32],
    reporter: &mut Reporter<'_>,
) {
    let first =
        |option: &UninterpretedOption| option.name.first().map(|part| (part.is_extension, part.name_part.clone()));
    if options.into_iter().any(|option| first(option) == Some((false, "uninterpreted_option".to_owned()))) {
        reporter.report(path, "the option `uninterpreted_option` is reserved for compilers", "remove the option");
    }
}
