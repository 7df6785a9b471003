//! How a change that is not supported is reported, and where.

use crate::catalog::Catalog;
use crate::diagnostic::{Findings, Place};

/// Reports a change that cannot be planned.
pub(super) fn refuse(found: &mut Findings, place: Place, code: &'static str, what: &str, help: &str) {
    let step = code.trim_start_matches("STEP_NOT_SUPPORTED_").replace('_', " ");
    found.report(place, code, format!("{what} needs the step {step}, which is not supported yet"), help);
}

pub(super) fn message_place(catalog: &Catalog, message: &str) -> Place {
    catalog.pool.get_message_by_name(message).map(|message| Place::message(&message)).unwrap_or_default()
}

pub(super) fn field_place(catalog: &Catalog, message: &str, number: u32) -> Place {
    let field = catalog.pool.get_message_by_name(message).and_then(|message| message.get_field(number));
    field.map(|field| Place::field(&field)).unwrap_or_default()
}
