//! Reports unsupported changes, and finds their locations.

use crate::catalog::Catalog;
use crate::diagnostic::{Diagnostics, SourceLocation};

/// Reports an unsupported change.
pub(super) fn report_unsupported(
    diagnostics: &mut Diagnostics,
    location: SourceLocation,
    code: &'static str,
    change: &str,
    help: &str,
) {
    let step = code.trim_start_matches("STEP_NOT_SUPPORTED_").replace('_', " ");
    diagnostics.report(location, code, format!("{change} needs the step {step}, which is not supported yet"), help);
}

pub(super) fn message_location(catalog: &Catalog, message: &str) -> SourceLocation {
    catalog.pool.get_message_by_name(message).map(|message| SourceLocation::of_message(&message)).unwrap_or_default()
}

pub(super) fn field_location(catalog: &Catalog, message: &str, number: u32) -> SourceLocation {
    let field = catalog.pool.get_message_by_name(message).and_then(|message| message.get_field(number));
    field.map(|field| SourceLocation::of_field(&field)).unwrap_or_default()
}
