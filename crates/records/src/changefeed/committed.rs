//! The committed state of the database.

use diesel::QueryResult;
use groundplan_chassis::database::{Columns as _, Database, Sql, database_error, rows};
use groundplan_error::Error;
use groundplan_eventlog::Snapshot;
use std::sync::LazyLock;

/// The committed state of the database at one time.
#[derive(Clone, Debug)]
pub(crate) struct Committed {
    pub(crate) snapshot: Snapshot,
    /// The largest position of the log that the snapshot contains.
    pub(crate) position: i64,
}

static NOW: LazyLock<Sql> =
    LazyLock::new(|| Sql::new("SELECT pg_current_snapshot()::text, (SELECT max(position) FROM events)"));

impl Committed {
    pub(crate) async fn now(database: &Database) -> Result<Self, Error> {
        let mut lease = database.lease().await?;
        let found = lease.run(async |connection| {
            let found = rows(connection, &NOW, &[]).await?;
            let row = found.first().ok_or(diesel::result::Error::NotFound)?;
            QueryResult::Ok((row.text(0)?.unwrap_or_default(), row.i64(1)?.unwrap_or_default()))
        });
        let (snapshot, position) = found.await.map_err(database_error)?;
        let snapshot =
            Snapshot::parse(&snapshot).ok_or_else(|| Error::internal(format!("{snapshot:?} is not a snapshot")))?;
        Ok(Self { snapshot, position })
    }
}
