//! A call of an authenticated caller, and what everything that is done for it needs.

use crate::change::Author;
use crate::served::Served;
use crate::state::Records;
use crate::table::Table;
use diesel::QueryResult;
use groundplan_budget::{Budget, Resource};
use groundplan_chassis::database::{Bind, Sql, execute};
use groundplan_codec::{Record, Stored};
use groundplan_error::Error;
use groundplan_identity::Principal;
use groundplan_query::id::Id;
use std::sync::Arc;

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
    pub(crate) fn show(&self, record: Record, version: i64) -> Stored {
        self.table.show(record, version)
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
    pub(crate) async fn write(&self, sql: &Sql, binds: &[Bind]) -> Result<QueryResult<usize>, Error> {
        let mut lease = self.records.database().lease().await?;
        let written = lease.run(async |conn| execute(conn, sql, binds).await).await;
        drop(lease);
        self.records.written(&written);
        Ok(written)
    }

    /// The refusal of a record that is not there.
    pub(crate) fn not_found(&self, id: &Id) -> Error {
        Error::record_not_found(&self.table.model.full_name, &id.to_string())
    }
}
