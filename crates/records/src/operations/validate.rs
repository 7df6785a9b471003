//! The last look at a record before it is stored.

use super::Call;
use crate::{index_keys, references};
use groundplan_codec::Record;
use groundplan_error::Error;

/// Refuses a record that breaks its model's rules or that its indexes cannot hold. The record is complete: the server's
/// own fields are set.
pub(crate) fn validate(call: &Call<'_>, record: &Record) -> Result<(), Error> {
    let mut violations = call.table.validator.validate(record)?;
    violations.extend(references::reference_violations(&call.table.model, record));
    violations.extend(index_keys::violations(&call.table.model, &call.principal.tenant, record));
    if violations.is_empty() { Ok(()) } else { Err(Error::invalid(violations)) }
}
