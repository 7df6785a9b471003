//! The final validation of a record before it is stored.

use crate::call::Call;
use groundplan_codec::{Record, wire};
use groundplan_error::{Error, Reason};
use groundplan_query::{index_keys, references};

/// Returns an error if a record breaks its model's rules, or if its indexes cannot hold it. The record must be complete,
/// with the fields that the server sets.
pub(crate) fn validate(call: &Call<'_>, record: &Record) -> Result<(), Error> {
    let _span = tracing::debug_span!("validate").entered();
    let mut violations = call.table.validator.validate(record, &call.budget)?;
    violations.extend(references::reference_violations(&call.table.model, record));
    violations.extend(index_keys::violations(&call.table.model, &call.principal.tenant, record));
    if violations.is_empty() { check_size(call, record) } else { Err(Error::invalid(violations)) }
}

/// Returns an error if a record is too large for a message. The size of a request does not limit appended and computed
/// values.
fn check_size(call: &Call<'_>, record: &Record) -> Result<(), Error> {
    let model = &call.table.model;
    let (size, most) =
        (wire::encoded_len(&model.shapes, model.shape, record), call.records.settings().max_message_bytes);
    if size <= most {
        return Ok(());
    }
    let message = format!("the {} would have {size} bytes; at most {most} are allowed", model.name);
    Err(Error::new(Reason::TooLarge, message))
}
