//! The models that keep a history, its start and its retention.

use super::CONSUMER;
use crate::clock::now;
use crate::state::Records;
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Bind, Columns as _, Sql, database_error, decode_timestamptz, execute, rows};
use groundplan_error::{Error, Reason};
use groundplan_model::catalog::{Catalog, Model};
use std::collections::HashSet;
use std::sync::LazyLock;

const DAY: i64 = 86_400_000_000;

/// The number of rows that one statement of the purge deletes.
const PURGED: i64 = 5_000;

static KEPT: LazyLock<Sql> = LazyLock::new(|| Sql::new("SELECT topic FROM history_models"));

/// A new history includes all events of the log: since its creation, or since its oldest event.
static BEGIN: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new(
        "INSERT INTO history_models (topic, since) SELECT ?, CASE WHEN dropped_through = 0 THEN created_at \
         ELSE (SELECT coalesce(min(appended_at), clock_timestamp()) FROM events WHERE position > dropped_through) END \
         FROM event_log ON CONFLICT DO NOTHING",
    )
});

static END: LazyLock<Sql> = LazyLock::new(|| Sql::new("DELETE FROM history_models WHERE topic = ?"));

static CONSUME: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new(
        "INSERT INTO event_consumers (name, position) SELECT ?, dropped_through FROM event_log ON CONFLICT DO NOTHING",
    )
});

/// Moves the copier back to the oldest event, so that it copies the events of new models. Events of other models are in the
/// history already.
static REWIND: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new("UPDATE event_consumers SET position = (SELECT dropped_through FROM event_log) WHERE name = ?")
});

static FORGET: LazyLock<Sql> = LazyLock::new(|| Sql::new("DELETE FROM event_consumers WHERE name = ?"));

/// Starts and stops histories, so that exactly the models of a catalog with the option keep one.
pub(crate) async fn keep(records: &Records, catalog: &Catalog) -> Result<(), Error> {
    let wanted: HashSet<&str> =
        catalog.models.iter().filter(|model| model.history.is_some()).map(|model| model.full_name.as_str()).collect();
    let mut lease = records.database().lease().await?;
    let kept = lease.run(async |connection| {
        let transaction = async |connection: &mut AsyncPgConnection| keep_in_transaction(connection, &wanted).await;
        connection.build_transaction().read_committed().run(transaction).await
    });
    kept.await.map_err(database_error)
}

async fn keep_in_transaction(connection: &mut AsyncPgConnection, wanted: &HashSet<&str>) -> QueryResult<()> {
    let current = rows(connection, &KEPT, &[]).await?;
    let kept = current.iter().filter_map(|row| row.text(0).transpose()).collect::<QueryResult<HashSet<String>>>()?;
    for topic in kept.iter().filter(|topic| !wanted.contains(topic.as_str())) {
        execute(connection, &END, &[Bind::text(topic)]).await?;
    }
    let added: Vec<&&str> = wanted.iter().filter(|topic| !kept.contains(**topic)).collect();
    for topic in &added {
        execute(connection, &BEGIN, &[Bind::text(topic)]).await?;
    }
    let consumer = [Bind::text(CONSUMER)];
    if wanted.is_empty() {
        // Without a consumer, the log can be dropped.
        execute(connection, &FORGET, &consumer).await?;
    } else if !added.is_empty() {
        execute(connection, &CONSUME, &consumer).await?;
        execute(connection, &REWIND, &consumer).await?;
    }
    Ok(())
}

/// The period that a model's history covers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Coverage {
    /// The start, in microseconds since the Unix epoch.
    pub(crate) from: i64,
}

static SINCE: LazyLock<Sql> = LazyLock::new(|| Sql::new("SELECT since FROM history_models WHERE topic = ?"));

impl Coverage {
    /// Returns the coverage of a model's history.
    ///
    /// # Errors
    /// `NOT_SUPPORTED` if the model keeps no history.
    pub(crate) async fn of_model(records: &Records, model: &Model) -> Result<Self, Error> {
        let history = model.history.ok_or_else(|| no_history(model))?;
        let topic = [Bind::text(&model.full_name)];
        let mut lease = records.database().lease().await?;
        let found =
            lease.run(async |connection| rows(connection, &SINCE, &topic).await).await.map_err(database_error)?;
        let since = found.first().map(|row| row.bytes(0, |bytes| bytes.and_then(decode_timestamptz)));
        let now = now()?;
        // The apply starts the history; this process might serve the revision slightly earlier.
        let since = since.transpose().map_err(database_error)?.flatten().unwrap_or(now);
        Ok(Self { from: since.max(now - i64::from(history.retention_days) * DAY) })
    }
}

/// Returns the error for a model without a history.
fn no_history(model: &Model) -> Error {
    let message = format!("{} keeps no history; give the model the option history", model.full_name);
    Error::new(Reason::NotSupported, message)
}

static PURGE: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new(&format!(
        "DELETE FROM history WHERE ctid = ANY(ARRAY(SELECT ctid FROM history WHERE topic = ? AND time < ? LIMIT {PURGED}))"
    ))
});

static PURGE_OTHERS: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new(&format!(
        "DELETE FROM history WHERE ctid = ANY(ARRAY(SELECT ctid FROM history \
         WHERE topic NOT IN (SELECT topic FROM history_models) LIMIT {PURGED}))"
    ))
});

/// Deletes changes that are older than the retention, and those of models that no longer keep a history. Works in small steps, so
/// that it holds locks briefly.
pub(super) async fn purge(records: &Records) -> Result<(), Error> {
    let served = records.served()?;
    let now = now()?;
    for model in &served.catalog.models {
        let Some(history) = model.history else { continue };
        let oldest = now - i64::from(history.retention_days) * DAY;
        delete_all(records, &PURGE, &[Bind::text(&model.full_name), Bind::timestamptz(oldest)]).await?;
    }
    delete_all(records, &PURGE_OTHERS, &[]).await
}

async fn delete_all(records: &Records, sql: &Sql, binds: &[Bind]) -> Result<(), Error> {
    loop {
        let mut lease = records.database().lease().await?;
        let deleted =
            lease.run(async |connection| execute(connection, sql, binds).await).await.map_err(database_error)?;
        drop(lease);
        if i64::try_from(deleted).unwrap_or(i64::MAX) < PURGED {
            return Ok(());
        }
    }
}
