//! The events of a delete with all that goes or changes with it, appended together at its end.

use super::MAX_BYTES;
use crate::change::Author;
use crate::operations::Id;
use crate::row;
use crate::stop::Stop;
use crate::table::Table;
use diesel_async::AsyncPgConnection;
use futures_util::TryStreamExt as _;
use groundplan_chassis::database::{Bind, Sql, row_stream};
use groundplan_codec::{Record, wire};
use groundplan_error::{Error, Reason};
use groundplan_eventlog::{NewEvent, append};
use groundplan_model::catalog::Model;

/// What a delete has written so far.
pub(super) struct Written<'a> {
    author: Author<'a>,
    events: Vec<NewEvent>,
    /// How many bytes the records may have that are still to come.
    room: usize,
}

impl<'a> Written<'a> {
    pub(super) fn new(author: Author<'a>) -> Self {
        Self { author, events: Vec::new(), room: MAX_BYTES }
    }

    /// In microseconds since the Unix epoch.
    pub(super) fn time(&self) -> i64 {
        self.author.time
    }

    pub(super) fn updated(&mut self, model: &Model, before: &Record, after: &Record, version: i64) {
        self.events.push(self.author.updated(model, before, after, version));
    }

    pub(super) fn deleted(&mut self, model: &Model, before: &Record, version: i64) {
        self.events.push(self.author.deleted(model, before, version));
    }

    /// Reads records with their versions, as they come, and no further than there is room for. `id` is of the record that is
    /// to be deleted.
    pub(super) async fn read(
        &mut self,
        conn: &mut AsyncPgConnection,
        (table, sql, binds): (&Table, &Sql, &[Bind]),
        (root, id): (&Model, &Id),
    ) -> Result<Vec<(Record, i64)>, Stop> {
        let mut rows = row_stream(conn, sql, binds).await?;
        let mut found = Vec::new();
        while let Some(row) = rows.try_next().await? {
            let record = row::record(&table.model, &table.columns, &row, 1)?;
            let bytes = wire::encoded_len(&table.model.shapes, table.model.shape, &record);
            self.room = self.room.checked_sub(bytes).ok_or_else(|| too_large(root, id))?;
            found.push((record, row::version(&row)?));
        }
        Ok(found)
    }

    /// Appends everything to the log.
    pub(super) async fn append(self, conn: &mut AsyncPgConnection) -> Result<(), Stop> {
        Ok(append(conn, &self.events).await?)
    }
}

fn too_large(model: &Model, id: &Id) -> Error {
    let id = id.to_string();
    let message = format!(
        "the records that would be deleted with {} {id:?}, or changed, have more than {} MiB together; nothing was deleted: \
         delete some of those that refer to it first",
        model.full_name,
        MAX_BYTES >> 20
    );
    Error::new(Reason::AnswerTooLarge, message).about(&model.full_name, id)
}
