//! The last look at a record before it is stored.

use crate::call::Call;
use groundplan_codec::{Record, wire};
use groundplan_error::{Error, Reason};
use groundplan_query::{index_keys, references};

/// Refuses a record that breaks its model's rules or that its indexes cannot hold. The record is complete: the server's
/// own fields are set.
pub(crate) fn validate(call: &Call<'_>, record: &Record) -> Result<(), Error> {
    let _span = tracing::debug_span!("validate").entered();
    let mut violations = call.table.validator.validate(record, &call.budget)?;
    violations.extend(references::reference_violations(&call.table.model, record));
    violations.extend(index_keys::violations(&call.table.model, &call.principal.tenant, record));
    if violations.is_empty() { check_size(call, record) } else { Err(Error::invalid(violations)) }
}

/// Refuses a record that no message can carry any more: what is appended or computed is in no request.
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
