//! One attempt at writes: what it has done so far.

use super::answer;
use super::references::Made;
use crate::call::Call;
use crate::id::Id;
use crate::living;
use crate::operations::events::{Events, MAX_BYTES};
use crate::operations::names;
use crate::stop::Stop;
use crate::table::Table;
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Bind, Sql, rows};
use groundplan_codec::{Record, Stored};
use groundplan_error::{Error, Reason};
use std::collections::HashMap;
use std::sync::Arc;

/// How records are locked while they are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lock {
    /// To be updated: others may still refer to it.
    Update,
    /// To be deleted: nobody may begin to refer to it.
    Delete,
    /// To be looked at: nobody may change it.
    Share,
}

/// What an attempt has done.
pub(super) struct Session<'a> {
    pub(super) call: Call<'a>,
    pub(super) events: Events<'a>,
    /// By the place of the write: the record as it is now, with its version.
    pub(super) answers: Vec<Option<(Arc<Table>, Record, i64)>>,
    /// How many bytes the records of the answer may have that are still to come.
    pub(super) room: usize,
    /// By the place of the write: whether the record was not there before.
    pub(super) created: Vec<bool>,
    /// What is checked when all writes are done.
    pub(super) references: Made<'a>,
    /// Whether each record is written by itself, so that whoever breaks a constraint is known.
    pub(super) is_careful: bool,
    /// Microseconds since the Unix epoch.
    pub(super) now: i64,
}

impl<'a> Session<'a> {
    /// The same call, for another model.
    pub(super) fn call_of(&self, table: &Arc<Table>) -> Call<'a> {
        Call { table: table.clone(), ..self.call.clone() }
    }

    pub(super) fn answer(&mut self, at: usize, table: &Arc<Table>, record: Record, version: i64) {
        if let Some(answer) = self.answers.get_mut(at) {
            *answer = Some((table.clone(), record, version));
        }
    }

    /// The same for a record that was not there before.
    pub(super) fn answer_created(&mut self, at: usize, table: &Arc<Table>, record: Record, version: i64) {
        if let Some(created) = self.created.get_mut(at) {
            *created = true;
        }
        self.answer(at, table, record, version);
    }

    /// Takes the room for records in the answer, before they are written: what is refused has not filled the log.
    pub(super) fn check_answers<'r>(
        &mut self,
        table: &Table,
        records: impl Iterator<Item = &'r Record>,
    ) -> Result<(), Error> {
        for record in records {
            self.room = self.room.checked_sub(answer::length(table, record)).ok_or_else(answer::too_large)?;
            self.call.budget.hold(2 * record.memory())?;
        }
        Ok(())
    }

    /// Reads and locks records of one model, in the order of their ids. Those that have ended are not there.
    pub(super) async fn lock<'i>(
        &mut self,
        conn: &mut AsyncPgConnection,
        table: &Table,
        ids: impl IntoIterator<Item = &'i Id>,
        lock: Lock,
    ) -> Result<HashMap<Id, (Record, i64)>, Stop> {
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
            living::not_expired(model, "r")
        ));
        let binds = [Bind::text(&self.call.principal.tenant), names::bind_ids(model, ids)];
        let found = self.events.read(conn, (table, &sql, &binds), &too_large).await?;
        let by_id = found.into_iter().map(|(record, version)| Ok((Id::of_record(model, &record)?, (record, version))));
        by_id.collect::<Result<_, Error>>().map_err(Stop::from)
    }

    /// The answers as the caller may see them.
    pub(super) fn shown(&self) -> Vec<Option<Stored>> {
        let shown = |(table, record, version): &(Arc<Table>, Record, i64)| table.show(record.clone(), *version);
        self.answers.iter().map(|answer| answer.as_ref().map(shown)).collect()
    }
}

/// Says which of some ids records of a model have that are there for whoever refers to them, and keeps it so.
pub(super) async fn lock_living(
    call: &Call<'_>,
    conn: &mut AsyncPgConnection,
    target: &Table,
    ids: &[Id],
) -> Result<Vec<Id>, Stop> {
    let model = &target.model;
    let (name, key) = (model.table.qualified(), model.column_name(model.roles.id));
    let sql = Sql::new(&format!(
        "SELECT r.{key} FROM {name} AS r WHERE r._tenant = ? AND r.{key} = ANY(?){} ORDER BY r.{key} FOR KEY SHARE",
        living::living(model, "r")
    ));
    let binds = [Bind::text(&call.principal.tenant), names::bind_ids(model, ids)];
    Ok(names::read_ids(model, &rows(conn, &sql, &binds).await?)?)
}

fn too_large() -> Error {
    let message =
        format!("the records are more than {} MiB together; write fewer records per request", MAX_BYTES >> 20);
    Error::new(Reason::TooLarge, message)
}
