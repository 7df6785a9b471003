//! Tables that are partitioned by time. Partitions are created ahead of time, and dropped when all their rows are older than the
//! retention. Neither blocks inserts: attaching and detaching take a SHARE UPDATE EXCLUSIVE lock.

use super::{Bind, Columns as _, Database, PgRow, Sql, database_error, rows};
use diesel::QueryResult;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};
use groundplan_error::{Error, Reason};
use std::sync::LazyLock;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The number of partitions in a retention.
const PARTITIONS: u32 = 12;

/// The shortest partition: it limits the number of partitions.
const MIN_PARTITION_LENGTH: Duration = Duration::from_secs(60);

/// The number of partitions created ahead of time: maintenance can fail for that long.
const PARTITIONS_AHEAD: i64 = 3;

/// How long a starting process waits for another one that is creating partitions, and the pause between two attempts.
const PREPARE_TIMEOUT: Duration = Duration::from_secs(10);
const RETRY_INTERVAL: Duration = Duration::from_millis(20);

/// Short timeouts, because maintenance is repeated.
const SESSION_LIMITS: &str = "SET lock_timeout = '2s'; SET statement_timeout = '60s'";

/// One process at a time, for each table of a schema.
static LOCK: LazyLock<Sql> =
    LazyLock::new(|| Sql::new("SELECT pg_try_advisory_lock(hashtext(?::text), hashtext(current_schema()))"));

/// A table that is partitioned by ranges of a time. Its name must not need quotes.
#[derive(Clone, Copy, Debug)]
pub struct PartitionedTable {
    /// The table's name, in the service's schema.
    pub table: &'static str,
    /// The minimum retention of rows. A partition covers a twelfth of it.
    pub retention: Duration,
}

/// Decides whether a partition can be dropped.
pub trait ReleaseCheck: Sync {
    /// Returns whether the rows of a partition, whose name is quoted, can be dropped now.
    fn release(
        &self,
        connection: &mut AsyncPgConnection,
        partition: &str,
    ) -> impl Future<Output = QueryResult<bool>> + Send;
}

/// Allows every partition that is older than the retention to be dropped.
#[derive(Clone, Copy, Debug)]
pub struct ReleaseAlways;

impl ReleaseCheck for ReleaseAlways {
    async fn release(&self, _: &mut AsyncPgConnection, _: &str) -> QueryResult<bool> {
        Ok(true)
    }
}

/// A partition. Times are in seconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Partition {
    name: String,
    until: i64,
    /// Whether a detach of it has started and not finished.
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

/// Returns the length of a partition, in seconds.
fn length(retention: Duration) -> i64 {
    i64::try_from((retention / PARTITIONS).max(MIN_PARTITION_LENGTH).as_secs()).unwrap_or(i64::MAX)
}

impl PartitionedTable {
    /// Returns the length of a partition, in seconds.
    pub fn length(&self) -> i64 {
        length(self.retention)
    }

    /// Creates partitions for the current time if there are none, or waits for another process that does.
    pub async fn prepare(&self, database: &Database) -> Result<(), Error> {
        let mut connection = database.dedicated().await?;
        let end = Instant::now() + PREPARE_TIMEOUT;
        while !self.prepare_on(&mut connection).await.map_err(database_error)? {
            if Instant::now() >= end {
                let message = format!("another process is maintaining the table {}; try again", self.table);
                return Err(Error::new(Reason::NotReady, message));
            }
            sleep(RETRY_INTERVAL).await;
        }
        Ok(())
    }

    /// Returns whether there are partitions for the current time.
    async fn prepare_on(&self, connection: &mut AsyncPgConnection) -> QueryResult<bool> {
        let now = current_time(connection).await?;
        if self.list_partitions(connection).await?.last().is_some_and(|last| last.until > now) {
            return Ok(true);
        }
        connection.batch_execute(SESSION_LIMITS).await?;
        if !self.try_lock(connection).await? {
            return Ok(false);
        }
        self.create_missing(connection).await?;
        Ok(true)
    }

    /// Creates the partitions that will be needed, and drops expired ones, unless another process does it.
    pub async fn maintain(&self, database: &Database, released: &impl ReleaseCheck) -> Result<(), Error> {
        // Dropping the connection releases the lock.
        let mut connection = database.dedicated().await?;
        self.maintain_on(&mut connection, released).await.map_err(database_error)
    }

    async fn maintain_on(&self, connection: &mut AsyncPgConnection, released: &impl ReleaseCheck) -> QueryResult<()> {
        connection.batch_execute(SESSION_LIMITS).await?;
        if !self.try_lock(connection).await? {
            return Ok(());
        }
        self.create_missing(connection).await?;
        self.drop_expired(connection, released).await
    }

    /// Tries to take the maintenance lock until the connection closes. Returns false if another process holds it.
    async fn try_lock(&self, connection: &mut AsyncPgConnection) -> QueryResult<bool> {
        let name = format!("groundplan partitions of {}", self.table);
        let locked = rows(connection, &LOCK, &[Bind::text(&name)]).await?;
        Ok(locked.first().map(|row| row.bool(0)).transpose()?.flatten().unwrap_or_default())
    }

    async fn list_partitions(&self, connection: &mut AsyncPgConnection) -> QueryResult<Vec<Partition>> {
        let read = |row: &PgRow| {
            Ok(Partition {
                name: row.text(0)?.unwrap_or_default(),
                until: row.i64(1)?.unwrap_or(i64::MAX),
                is_detaching: row.bool(2)?.unwrap_or_default(),
            })
        };
        rows(connection, &PARTITION_LIST, &[Bind::text(self.table)]).await?.iter().map(read).collect()
    }

    /// Creates partitions after the last one until there are enough.
    async fn create_missing(&self, connection: &mut AsyncPgConnection) -> QueryResult<()> {
        let (table, now) = (self.table, current_time(connection).await?);
        let last = self.list_partitions(connection).await?.last().map(|partition| partition.until);
        for (from, until) in missing_ranges(last, now, self.length()) {
            let name = format!("{table}_from_{from}");
            // Create the table first and attach it then: CREATE TABLE … PARTITION OF would block inserts.
            let sql = format!(
                "CREATE TABLE IF NOT EXISTS {name} (LIKE {table}); \
                 ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM (to_timestamp({from})) TO (to_timestamp({until}))"
            );
            connection.batch_execute(&sql).await?;
            tracing::info!(name, "created a partition");
        }
        Ok(())
    }

    async fn drop_expired(&self, connection: &mut AsyncPgConnection, released: &impl ReleaseCheck) -> QueryResult<()> {
        let table = self.table;
        let oldest = current_time(connection).await? - i64::try_from(self.retention.as_secs()).unwrap_or(i64::MAX);
        let (detaching, attached) = self
            .list_partitions(connection)
            .await?
            .into_iter()
            .partition::<Vec<_>, _>(|partition| partition.is_detaching);
        // Finish these first: PostgreSQL allows one pending detach at a time.
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

async fn current_time(connection: &mut AsyncPgConnection) -> QueryResult<i64> {
    let rows = rows(connection, &NOW, &[]).await?;
    Ok(rows.first().map(|row| row.i64(0)).transpose()?.flatten().unwrap_or_default())
}

/// Returns the missing partitions, in seconds since the Unix epoch.
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

/// Expired partitions that were detached, and could not be dropped then.
static DETACHED: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new(
        "SELECT relname::text FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace \
         WHERE nspname = current_schema() AND relkind = 'r' AND NOT relispartition \
         AND substring(relname FROM ?::text)::bigint <= ?::bigint",
    )
});

async fn drop_detached(connection: &mut AsyncPgConnection, name: &str) -> QueryResult<()> {
    connection.batch_execute(&format!("DROP TABLE {}", quote(name))).await?;
    tracing::info!(name, "dropped a partition");
    Ok(())
}

/// Quotes an identifier from PostgreSQL.
fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_created_ahead_and_without_gaps() {
        assert_eq!(missing_ranges(None, 1_050, 100), [(1_000, 1_100), (1_100, 1_200), (1_200, 1_300), (1_300, 1_400)]);
        assert_eq!(missing_ranges(Some(1_400), 1_050, 100), []);
        assert_eq!(missing_ranges(Some(1_300), 1_050, 100), [(1_300, 1_400)]);
        assert_eq!(
            missing_ranges(Some(1_000), 1_050, 100)[0],
            (1_000, 1_100),
            "partitions continue after one that has just ended"
        );
        assert_eq!(missing_ranges(Some(500), 1_050, 100)[0], (1_000, 1_100), "time in which nothing ran is skipped");
        assert_eq!(
            missing_ranges(Some(1_370), 1_050, 200),
            [(1_370, 1_570), (1_570, 1_770)],
            "partitions continue with another length"
        );
    }

    #[test]
    fn a_retention_has_twelve_partitions() {
        assert_eq!(length(Duration::from_secs(72 * 3_600)), 6 * 3_600);
        assert_eq!(length(Duration::from_secs(60)), 60);
    }
}
