//! The events of a transaction, appended together at its end, and the records that they describe.

use super::parked::Parked;
use crate::change::Author;
use crate::table::Table;
use crate::tx_error::TxError;
use diesel_async::AsyncPgConnection;
use futures_util::TryStreamExt as _;
use groundplan_budget::{Budget, Resource};
use groundplan_chassis::database::{Bind, Sql, record_statement, row_stream};
use groundplan_codec::{Record, wire};
use groundplan_error::Error;
use groundplan_eventlog::{NewEvent, append};
use groundplan_model::catalog::Model;
use groundplan_query::id::Id;
use groundplan_query::row;
use std::time::Instant;

/// The most bytes of all records that one transaction reads to change or delete them, in the encoding of the event log.
pub(crate) const MAX_BYTES: usize = 32 << 20;

/// The events that a transaction has written so far.
pub(crate) struct Events<'a> {
    author: Author<'a>,
    events: Vec<NewEvent>,
    /// The remaining capacity for records, in bytes.
    room: usize,
    budget: Budget,
    /// The original values of parked records. Reads return these values.
    pub(crate) parked: Parked,
}

/// The most copies of a record's bytes while it is written: in its event, in the binds of both, and in the bytes sent for
/// these.
const COPIES: usize = 4;

impl<'a> Events<'a> {
    /// Creates an empty list. The budget of the request holds everything that is read and written.
    pub(crate) fn new(author: Author<'a>, budget: Budget) -> Self {
        Self { author, events: Vec::new(), room: MAX_BYTES, budget, parked: Parked::default() }
    }

    /// Returns the time of the transaction, in microseconds since the Unix epoch.
    pub(crate) fn time(&self) -> i64 {
        self.author.time
    }

    pub(crate) fn created(&mut self, model: &Model, record: &Record, version: i64) {
        self.events.push(self.author.created(model, record, version));
    }

    pub(crate) fn updated(&mut self, model: &Model, before: &Record, after: &Record, version: i64) {
        self.events.push(self.author.updated(model, before, after, version));
    }

    pub(crate) fn deleted(&mut self, model: &Model, before: &Record, version: i64) {
        self.events.push(self.author.deleted(model, before, version));
    }

    /// Reads records with their versions as a stream. Returns the error of `too_large` if they exceed the capacity.
    pub(crate) async fn read(
        &mut self,
        conn: &mut AsyncPgConnection,
        (table, sql, binds): (&Table, &Sql, &[Bind]),
        too_large: &(dyn Fn() -> Error + Sync),
    ) -> Result<Vec<(Record, i64)>, TxError> {
        let began = Instant::now();
        let mut rows = row_stream(conn, sql, binds).await?;
        let mut found = Vec::new();
        while let Some(row) = rows.try_next().await? {
            let mut record = row::record(&table.model, &table.columns, &row, 1)?;
            if !self.parked.is_empty() {
                self.parked.restore(&table.model, &Id::of_record(&table.model, &record)?, &mut record);
            }
            let bytes = wire::encoded_len(&table.model.shapes, table.model.shape, &record);
            self.room = self.room.checked_sub(bytes).ok_or_else(too_large)?;
            self.budget.charge(Resource::Rows, 1)?;
            self.budget.hold(record.memory() + COPIES * bytes)?;
            found.push((record, row::version(&row)?));
        }
        drop(rows);
        record_statement(conn, sql, binds, began).await;
        Ok(found)
    }

    /// Appends all events to the log.
    pub(crate) async fn append(self, conn: &mut AsyncPgConnection) -> Result<(), TxError> {
        Ok(append(conn, &self.events).await?)
    }
}
