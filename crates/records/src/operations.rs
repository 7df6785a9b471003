//! What can be done with records, whatever protocol asks: one file a call.
//!
//! Each begins with what needs no database. Writes end with one statement, or with one transaction where other records
//! change too, so that a refused call has changed nothing.

pub(crate) mod aggregate;
mod apart;
mod batch_get;
mod behavior;
mod conflict;
mod create;
pub(crate) mod delete;
mod deleted;
mod etag;
mod explain;
mod get;
pub(crate) mod id;
mod list;
mod names;
pub(crate) mod purge;
mod reference;
mod refusal;
mod revisions;
pub(crate) mod streamed;
mod update;
mod validate;
pub(crate) mod write;

pub(crate) mod events;
pub(crate) mod expand;

pub(crate) use aggregate::aggregate;
pub(crate) use batch_get::{Place, batch_get};
pub(crate) use behavior::Behaviors;
pub(crate) use create::{Origin, complete};
pub(crate) use explain::explain_list;
pub(crate) use get::get;
pub(crate) use id::Id;
pub(crate) use list::{Reading, list, list_related};
pub(crate) use revisions::{get_past, list_revisions};
pub(crate) use validate::validate as check;

use crate::change::Author;
use crate::served::Served;
use crate::service::Records;
use crate::table::Table;
use diesel::QueryResult;
use groundplan_budget::{Budget, Resource};
use groundplan_chassis::database::{Bind, Sql, execute};
use groundplan_chassis::principal::Principal;
use groundplan_codec::{Record, Stored, Value};
use groundplan_error::Error;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Who calls, and what for. The caller is authenticated; the root principal, the only one there is, may do everything.
#[derive(Clone)]
pub(crate) struct Call<'a> {
    pub(crate) records: &'a Records,
    pub(crate) principal: &'a Principal,
    /// What everything may use that is done for the request.
    pub(crate) budget: Budget,
    /// The revision that the call began with.
    pub(crate) served: Arc<Served>,
    /// Of `served`.
    pub(crate) table: Arc<Table>,
}

impl Call<'_> {
    /// The record as the caller may see it, with its etag.
    fn show(&self, record: Record, version: i64) -> Stored {
        show(&self.table, record, version)
    }

    /// The table of another model of the same revision.
    pub(crate) fn related(&self, model: &str) -> Result<&Arc<Table>, Error> {
        let found = self.served.catalog.model(model).and_then(|model| self.served.table(model));
        found.ok_or_else(|| Error::internal(format!("a relation leads to {model}, which is not served")))
    }

    /// Who writes, at a time in microseconds since the Unix epoch.
    pub(crate) fn author(&self, time: i64) -> Author<'_> {
        let Principal { name, tenant } = self.principal;
        Author { tenant, principal: name, revision: self.served.revision(), time }
    }

    /// Holds the memory of a row that is kept to answer, with its form on the wire.
    pub(crate) fn hold(&self, record: &Record) -> Result<(), Error> {
        self.budget.charge(Resource::Rows, 1)?;
        self.budget.hold(2 * record.memory())
    }

    /// Runs a statement that writes and appends to the log, and gives the number of rows that it has changed.
    async fn write(&self, sql: &Sql, binds: &[Bind]) -> Result<QueryResult<usize>, Error> {
        let mut lease = self.records.database().lease().await?;
        let written = lease.run(async |conn| execute(conn, sql, binds).await).await;
        drop(lease);
        self.records.written(&written);
        Ok(written)
    }

    /// The refusal of a record that is not there.
    fn not_found(&self, id: &Id) -> Error {
        Error::record_not_found(&self.table.model.full_name, &id.to_string())
    }
}

/// The record of any model as the caller may see it, with its etag.
pub(crate) fn show(table: &Table, mut record: Record, version: i64) -> Stored {
    let etag = etag::of_version(version);
    if let Some(field) = table.model.roles.etag {
        record.set(field, Some(Value::String(etag.clone())));
    }
    table.behaviors.hide_input_only(&table.model, &mut record);
    Stored { record, etag }
}

/// Now, in microseconds since the Unix epoch.
pub(crate) fn now() -> Result<i64, Error> {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).map_err(Error::internal)?;
    i64::try_from(elapsed.as_micros()).map_err(Error::internal)
}
