//! A call of an authenticated caller, with the data that its operations need.

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

/// The caller and the context of a request. The caller is authenticated. The root principal, the only one, is allowed to do
/// everything.
#[derive(Clone)]
pub(crate) struct Call<'a> {
    pub(crate) records: &'a Records,
    pub(crate) principal: &'a Principal,
    /// The budget of all work for the request.
    pub(crate) budget: Budget,
    /// The revision at the start of the call.
    pub(crate) served: Arc<Served>,
    /// A table of `served`.
    pub(crate) table: Arc<Table>,
}

impl Call<'_> {
    /// Returns the record as the caller sees it, with its etag.
    pub(crate) fn show(&self, record: Record, version: i64) -> Stored {
        self.table.show(record, version)
    }

    /// Returns the table of another model of the same revision.
    pub(crate) fn related(&self, model: &str) -> Result<&Arc<Table>, Error> {
        let found = self.served.catalog.model(model).and_then(|model| self.served.table(model));
        found.ok_or_else(|| Error::internal(format!("a relation leads to {model}, which is not served")))
    }

    /// Returns the author of a write at a time in microseconds since the Unix epoch.
    pub(crate) fn author(&self, time: i64) -> Author<'_> {
        let Principal { name, tenant } = self.principal;
        Author { tenant, principal: name, revision: self.served.revision(), time }
    }

    /// Holds the memory of a row for the response, and of its encoding. The row counts towards the budget.
    pub(crate) fn hold(&self, record: &Record) -> Result<(), Error> {
        self.budget.charge(Resource::Rows, 1)?;
        self.budget.hold(2 * record.memory())
    }

    /// Runs a statement that writes and appends to the log. Returns the number of changed rows.
    pub(crate) async fn write(&self, sql: &Sql, binds: &[Bind]) -> Result<QueryResult<usize>, Error> {
        let mut lease = self.records.database().lease().await?;
        let written = lease.run(async |conn| execute(conn, sql, binds).await).await;
        drop(lease);
        self.records.written(&written);
        Ok(written)
    }

    /// Returns the error of a record that does not exist.
    pub(crate) fn not_found(&self, id: &Id) -> Error {
        Error::record_not_found(&self.table.model.full_name, &id.to_string())
    }
}
