//! The partitions of the log.

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Bind, Columns as _, PartitionedTable, ReleaseCheck, Sql, execute, rows};
use std::time::Duration;

/// Returns the log's partitioned table.
pub(crate) fn log_partitions(retention: Duration) -> PartitionedTable {
    PartitionedTable { table: "events", retention }
}

/// Checks consumers before a partition is dropped.
pub(crate) struct Consumers;

impl ReleaseCheck for Consumers {
    /// Records that a partition's events are about to be dropped, unless a consumer still needs them. Returns whether they can
    /// be dropped.
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
