//! Tables that are partitioned by time: partitions are made ahead of time, and dropped when all they have is older than the
//! retention. Neither makes a writer wait: a partition is attached and detached under SHARE UPDATE EXCLUSIVE, beside which rows
//! can be inserted.

use super::{Bind, Columns as _, Database, PgRow, Sql, database_error, rows};
use diesel::QueryResult;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};
use groundplan_error::{Error, Reason};
use std::sync::LazyLock;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// A retention is so many partitions.
const PARTITIONS: u32 = 12;

/// No partition is shorter, so that there are not too many.
const MIN_PARTITION_LENGTH: Duration = Duration::from_secs(60);

/// How many partitions are there ahead of time: for as long may maintenance fail.
const PARTITIONS_AHEAD: i64 = 3;

/// How long a process that starts waits for another one that is just making partitions, and between two questions.
const PREPARE_TIMEOUT: Duration = Duration::from_secs(10);
const RETRY_INTERVAL: Duration = Duration::from_millis(20);

/// What may wait, waits shortly: maintenance comes again.
const SESSION_LIMITS: &str = "SET lock_timeout = '2s'; SET statement_timeout = '60s'";

/// One process at a time, for each table of a schema.
static LOCK: LazyLock<Sql> =
    LazyLock::new(|| Sql::new("SELECT pg_try_advisory_lock(hashtext(?::text), hashtext(current_schema()))"));

/// A table of the service's own that is partitioned by ranges of a time. Its name needs no quotes.
#[derive(Clone, Copy, Debug)]
pub struct PartitionedTable {
    /// The table's name, in the service's schema.
    pub table: &'static str,
    /// How long rows are kept, at least: partitions are of a twelfth of it.
    pub retention: Duration,
}

/// Who is asked before a partition goes.
pub trait ReleaseCheck: Sync {
    /// Says whether the rows of a partition, whose name is quoted, may be dropped now.
    fn release(
        &self,
        connection: &mut AsyncPgConnection,
        partition: &str,
    ) -> impl Future<Output = QueryResult<bool>> + Send;
}

/// Nobody needs what is older than the retention.
#[derive(Clone, Copy, Debug)]
pub struct ReleaseAlways;

impl ReleaseCheck for ReleaseAlways {
    async fn release(&self, _: &mut AsyncPgConnection, _: &str) -> QueryResult<bool> {
        Ok(true)
    }
}

/// A partition as PostgreSQL knows it. Times are in seconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Partition {
    name: String,
    until: i64,
    /// A detach of it began and did not end.
    is_detaching: bool,
}

static PARTITION_LIST: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new(
        "SELECT child.relname::text, \
         extract(epoch FROM substring(pg_get_expr(child.relpartbound, child.oid) FROM 'TO \\(''([^'']+)''\\)')::timestamptz)::bigint, \
         link.inhdetachpending \
         FROM pg_inherits link JOIN pg_class child ON child.oid = link.inhrelid \
         WHERE link.inhparent = ?::text::regclass ORDER BY 2",
    )
});

static NOW: LazyLock<Sql> = LazyLock::new(|| Sql::new("SELECT extract(epoch FROM clock_timestamp())::bigint"));

/// The length of a partition, in seconds.
fn length(retention: Duration) -> i64 {
    i64::try_from((retention / PARTITIONS).max(MIN_PARTITION_LENGTH).as_secs()).unwrap_or(i64::MAX)
}

impl PartitionedTable {
    /// The length of a partition, in seconds.
    pub fn length(&self) -> i64 {
        length(self.retention)
    }

    /// Makes partitions if there is none for what is appended now, be it by waiting for another process that does.
    pub async fn prepare(&self, database: &Database) -> Result<(), Error> {
        let mut connection = database.dedicated().await?;
        let end = Instant::now() + PREPARE_TIMEOUT;
        while !self.prepare_on(&mut connection).await.map_err(database_error)? {
            if Instant::now() >= end {
                let message = format!("another process is looking after the table {}; try again", self.table);
                return Err(Error::new(Reason::NotReady, message));
            }
            sleep(RETRY_INTERVAL).await;
        }
        Ok(())
    }

    /// Says whether there are partitions now.
    async fn prepare_on(&self, connection: &mut AsyncPgConnection) -> QueryResult<bool> {
        let now = now(connection).await?;
        if self.list(connection).await?.last().is_some_and(|last| last.until > now) {
            return Ok(true);
        }
        connection.batch_execute(SESSION_LIMITS).await?;
        if !self.lock(connection).await? {
            return Ok(false);
        }
        self.create_missing(connection).await?;
        Ok(true)
    }

    /// Makes the partitions that will be needed, and drops those that are not needed any more, unless another process does it.
    pub async fn maintain(&self, database: &Database, released: &impl ReleaseCheck) -> Result<(), Error> {
        // Closed at the end, and with it goes the lock.
        let mut connection = database.dedicated().await?;
        self.maintain_on(&mut connection, released).await.map_err(database_error)
    }

    async fn maintain_on(&self, connection: &mut AsyncPgConnection, released: &impl ReleaseCheck) -> QueryResult<()> {
        connection.batch_execute(SESSION_LIMITS).await?;
        if !self.lock(connection).await? {
            return Ok(());
        }
        self.create_missing(connection).await?;
        self.drop_expired(connection, released).await
    }

    /// Takes the lock of who looks after the partitions, for as long as the connection lives, unless another has it.
    async fn lock(&self, connection: &mut AsyncPgConnection) -> QueryResult<bool> {
        let name = format!("groundplan partitions of {}", self.table);
        let locked = rows(connection, &LOCK, &[Bind::text(&name)]).await?;
        Ok(locked.first().map(|row| row.bool(0)).transpose()?.flatten().unwrap_or_default())
    }

    async fn list(&self, connection: &mut AsyncPgConnection) -> QueryResult<Vec<Partition>> {
        let read = |row: &PgRow| {
            Ok(Partition {
                name: row.text(0)?.unwrap_or_default(),
                until: row.i64(1)?.unwrap_or(i64::MAX),
                is_detaching: row.bool(2)?.unwrap_or_default(),
            })
        };
        rows(connection, &PARTITION_LIST, &[Bind::text(self.table)]).await?.iter().map(read).collect()
    }

    /// Makes partitions behind the last one until there are enough.
    async fn create_missing(&self, connection: &mut AsyncPgConnection) -> QueryResult<()> {
        let (table, now) = (self.table, now(connection).await?);
        let last = self.list(connection).await?.last().map(|partition| partition.until);
        for (from, until) in missing_ranges(last, now, self.length()) {
            let name = format!("{table}_from_{from}");
            // It is made by itself and then attached: CREATE TABLE … PARTITION OF would lock out writers.
            let sql = format!(
                "CREATE TABLE IF NOT EXISTS {name} (LIKE {table}); \
                 ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM (to_timestamp({from})) TO (to_timestamp({until}))"
            );
            connection.batch_execute(&sql).await?;
            tracing::info!(name, "a partition is made");
        }
        Ok(())
    }

    async fn drop_expired(&self, connection: &mut AsyncPgConnection, released: &impl ReleaseCheck) -> QueryResult<()> {
        let table = self.table;
        let oldest = now(connection).await? - i64::try_from(self.retention.as_secs()).unwrap_or(i64::MAX);
        let (detaching, attached) =
            self.list(connection).await?.into_iter().partition::<Vec<_>, _>(|partition| partition.is_detaching);
        // First: PostgreSQL lets one leave at a time.
        for Partition { name, .. } in detaching {
            connection
                .batch_execute(&format!("ALTER TABLE {table} DETACH PARTITION {} FINALIZE", quote(&name)))
                .await?;
            drop_detached(connection, &name).await?;
        }
        for Partition { name, .. } in attached.into_iter().filter(|partition| partition.until <= oldest) {
            let quoted = quote(&name);
            if released.release(connection, &quoted).await? {
                connection
                    .batch_execute(&format!("ALTER TABLE {table} DETACH PARTITION {quoted} CONCURRENTLY"))
                    .await?;
                drop_detached(connection, &name).await?;
            }
        }
        let binds = [Bind::text(&format!("^{table}_from_([0-9]{{1,18}})$")), Bind::i64(oldest - self.length())];
        for row in rows(connection, &DETACHED, &binds).await? {
            drop_detached(connection, &row.text(0)?.unwrap_or_default()).await?;
        }
        Ok(())
    }
}

async fn now(connection: &mut AsyncPgConnection) -> QueryResult<i64> {
    let rows = rows(connection, &NOW, &[]).await?;
    Ok(rows.first().map(|row| row.i64(0)).transpose()?.flatten().unwrap_or_default())
}

/// The partitions that are missing, in seconds since the Unix epoch.
fn missing_ranges(last: Option<i64>, now: i64, length: i64) -> Vec<(i64, i64)> {
    let aligned = now - now.rem_euclid(length);
    let mut from = last.map_or(aligned, |last| if last <= now - length { aligned } else { last });
    let mut missing_ranges = Vec::new();
    while from < now.saturating_add(PARTITIONS_AHEAD * length) {
        missing_ranges.push((from, from + length));
        from += length;
    }
    missing_ranges
}

/// Partitions of ours that are as old, were detached, and then could not be dropped.
static DETACHED: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new(
        "SELECT relname::text FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace \
         WHERE nspname = current_schema() AND relkind = 'r' AND NOT relispartition \
         AND substring(relname FROM ?::text)::bigint <= ?::bigint",
    )
});

async fn drop_detached(connection: &mut AsyncPgConnection, name: &str) -> QueryResult<()> {
    connection.batch_execute(&format!("DROP TABLE {}", quote(name))).await?;
    tracing::info!(name, "a partition is dropped");
    Ok(())
}

/// Quotes a name that PostgreSQL gave.
fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_made_ahead_and_without_gaps() {
        assert_eq!(missing_ranges(None, 1_050, 100), [(1_000, 1_100), (1_100, 1_200), (1_200, 1_300), (1_300, 1_400)]);
        assert_eq!(missing_ranges(Some(1_400), 1_050, 100), []);
        assert_eq!(missing_ranges(Some(1_300), 1_050, 100), [(1_300, 1_400)]);
        assert_eq!(missing_ranges(Some(1_000), 1_050, 100)[0], (1_000, 1_100), "what is just over is followed on");
        assert_eq!(missing_ranges(Some(500), 1_050, 100)[0], (1_000, 1_100), "time in which nothing ran is left out");
        assert_eq!(missing_ranges(Some(1_370), 1_050, 200), [(1_370, 1_570), (1_570, 1_770)], "another length goes on");
    }

    #[test]
    fn a_retention_is_twelve_partitions() {
        assert_eq!(length(Duration::from_secs(72 * 3_600)), 6 * 3_600);
        assert_eq!(length(Duration::from_secs(60)), 60);
    }
}
