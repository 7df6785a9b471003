//! The state of one attempt at writes.

use super::events::{Events, MAX_BYTES};
use super::references::Made;
use super::response_size::{record_size, too_large as response_too_large};
use crate::call::Call;
use crate::operations::names;
use crate::table::Table;
use crate::tx_error::TxError;
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Bind, Sql};
use groundplan_codec::{Record, Stored};
use groundplan_error::{Error, Reason};
use groundplan_query::id::Id;
use groundplan_query::visibility;
use std::collections::HashMap;
use std::sync::Arc;

/// The lock on records while they are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lock {
    /// For an update: others can still refer to the record.
    Update,
    /// For a delete: no other transaction can add a reference to the record.
    Delete,
    /// For a check: no other transaction can change the record.
    Share,
}

/// The state of an attempt.
pub(crate) struct Session<'a> {
    pub(crate) call: Call<'a>,
    pub(crate) events: Events<'a>,
    /// By the index of the write: the record as it is now, with its version.
    pub(crate) answers: Vec<Option<(Arc<Table>, Record, i64)>>,
    /// The remaining capacity for records in the response, in bytes.
    pub(crate) room: usize,
    /// By the index of the write: whether it created the record.
    pub(crate) created: Vec<bool>,
    /// The references to check after all writes.
    pub(crate) references: Made<'a>,
    /// Whether each record is written separately, to identify a record that violates a constraint.
    pub(crate) is_careful: bool,
    /// The time of the attempt, in microseconds since the Unix epoch.
    pub(crate) now: i64,
}

impl<'a> Session<'a> {
    /// Returns the same call for another model.
    pub(crate) fn call_of(&self, table: &Arc<Table>) -> Call<'a> {
        Call { table: table.clone(), ..self.call.clone() }
    }

    pub(crate) fn answer(&mut self, at: usize, table: &Arc<Table>, record: Record, version: i64) {
        if let Some(answer) = self.answers.get_mut(at) {
            *answer = Some((table.clone(), record, version));
        }
    }

    /// Sets the response of a write that created its record.
    pub(crate) fn answer_created(&mut self, at: usize, table: &Arc<Table>, record: Record, version: i64) {
        if let Some(created) = self.created.get_mut(at) {
            *created = true;
        }
        self.answer(at, table, record, version);
    }

    /// Reserves capacity for records in the response before they are written, so that a rejected request does not fill the
    /// log.
    pub(crate) fn check_answers<'r>(
        &mut self,
        table: &Table,
        records: impl Iterator<Item = &'r Record>,
    ) -> Result<(), Error> {
        for record in records {
            self.room = self.room.checked_sub(record_size(table, record)).ok_or_else(response_too_large)?;
            self.call.budget.hold(2 * record.memory())?;
        }
        Ok(())
    }

    /// Reads and locks records of one model, in the order of their ids. Missing and expired records are not in the result.
    pub(crate) async fn lock<'i>(
        &mut self,
        conn: &mut AsyncPgConnection,
        table: &Table,
        ids: impl IntoIterator<Item = &'i Id>,
        lock: Lock,
    ) -> Result<HashMap<Id, (Record, i64)>, TxError> {
        let model = &table.model;
        let (name, key, columns) = (model.table.qualified(), model.column_name(model.roles.id), names::columns(table));
        let how = match lock {
            Lock::Update => "NO KEY UPDATE",
            Lock::Delete => "UPDATE",
            Lock::Share => "SHARE",
        };
        let sql = Sql::new(&format!(
            "SELECT r._version, {columns} FROM {name} AS r WHERE r._tenant = ? AND r.{key} = ANY(?){} \
             ORDER BY r.{key} FOR {how}",
            visibility::not_expired(model, "r")
        ));
        let binds = [Bind::text(&self.call.principal.tenant), names::bind_ids(model, ids)];
        let found = self.events.read(conn, (table, &sql, &binds), &too_large).await?;
        let by_id = found.into_iter().map(|(record, version)| Ok((Id::of_record(model, &record)?, (record, version))));
        by_id.collect::<Result<_, Error>>().map_err(TxError::from)
    }

    /// Returns the records of the response as the caller is allowed to see them.
    pub(crate) fn shown(&self) -> Vec<Option<Stored>> {
        let shown = |(table, record, version): &(Arc<Table>, Record, i64)| table.show(record.clone(), *version);
        self.answers.iter().map(|answer| answer.as_ref().map(shown)).collect()
    }
}

fn too_large() -> Error {
    let message =
        format!("the records are more than {} MiB together; write fewer records per request", MAX_BYTES >> 20);
    Error::new(Reason::TooLarge, message)
}
