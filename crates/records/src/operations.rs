//! What can be done with records, whatever protocol asks: one file a call.
//!
//! Each begins with what needs no database and ends with one statement, so that a refused call has changed nothing.

mod behavior;
mod create;
mod delete;
mod etag;
mod get;
mod id;
mod list;
mod refusal;
mod update;
mod validate;

pub(crate) use behavior::Behaviors;
pub(crate) use create::create;
pub(crate) use delete::delete;
pub(crate) use get::get;
pub(crate) use id::Id;
pub(crate) use list::list;
pub(crate) use update::{Update, update};

use crate::service::Records;
use crate::table::Table;
use groundplan_chassis::principal::Principal;
use groundplan_codec::{Record, Stored, Value};
use groundplan_error::Error;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Who calls, and what for. The caller is authenticated; the root principal, the only one there is, may do everything.
pub(crate) struct Call<'a> {
    pub(crate) records: &'a Records,
    pub(crate) principal: &'a Principal,
    pub(crate) table: Arc<Table>,
}

impl Call<'_> {
    /// The record as the caller may see it, with its etag.
    fn show(&self, mut record: Record, version: i64) -> Stored {
        let etag = etag::of_version(version);
        if let Some(field) = self.table.model.roles.etag {
            record.set(field, Some(Value::String(etag.clone())));
        }
        self.table.behaviors.hide_input_only(&self.table.model, &mut record);
        Stored { record, etag }
    }

    /// The refusal of a record that is not there.
    fn not_found(&self, id: &Id) -> Error {
        Error::record_not_found(&self.table.model.full_name, &id.to_string())
    }
}

/// Now, in microseconds since the Unix epoch.
fn now() -> Result<i64, Error> {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).map_err(Error::internal)?;
    i64::try_from(elapsed.as_micros()).map_err(Error::internal)
}
