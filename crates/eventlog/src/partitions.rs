//! The partitions of the log.

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Bind, Columns as _, Partitioned, Release, Sql, execute, rows};
use std::time::Duration;

/// The log's table.
pub(crate) fn log_partitions(retention: Duration) -> Partitioned {
    Partitioned { table: "events", retention }
}

/// Consumers are asked before a partition goes.
pub(crate) struct Consumers;

impl Release for Consumers {
    /// Notes that a partition's events may be gone, before they are; says whether they may. They may not while a consumer still
    /// needs them.
    async fn release(&self, connection: &mut AsyncPgConnection, partition: &str) -> QueryResult<bool> {
        let newest = rows(connection, &Sql::once(&format!("SELECT max(position) FROM {partition}")), &[]).await?;
        let Some(newest) = newest.first().map(|row| row.i64(0)).transpose()?.flatten() else { return Ok(true) };
        let noted = Sql::new(
            "UPDATE event_log SET dropped_through = GREATEST(dropped_through, ?::bigint) \
             WHERE NOT EXISTS (SELECT FROM event_consumers WHERE position < ?::bigint)",
        );
        let noted = execute(connection, &noted, &[Bind::i64(newest), Bind::i64(newest)]).await?;
        Ok(noted > 0)
    }
}
