//! The partitions of the log: made ahead of time, dropped when all they have is older than the retention. Neither makes a
//! writer wait: a partition is attached and detached under SHARE UPDATE EXCLUSIVE, beside which rows can be inserted.

use diesel::QueryResult;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};
use groundplan_chassis::database::{Bind, Columns as _, Database, PgRow, Sql, execute, refusal, rows};
use groundplan_error::{Error, Reason};
use std::sync::LazyLock;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// A retention is so many partitions.
const PARTITIONS: u32 = 12;

/// No partition is shorter, so that there are not too many.
const SHORTEST: Duration = Duration::from_secs(60);

/// How many partitions are there ahead of time: for as long may maintenance fail.
const AHEAD: i64 = 3;

/// How long a process that starts waits for another one that is just making partitions, and between two questions.
const PATIENCE: Duration = Duration::from_secs(10);
const AGAIN: Duration = Duration::from_millis(20);

/// What may wait, waits shortly: maintenance comes again.
const LIMITS: &str = "SET lock_timeout = '2s'; SET statement_timeout = '60s'";

/// One process at a time; a fixed number of ours, mixed with the schema's.
const LOCK: &str = "SELECT pg_try_advisory_lock(hashtext('groundplan event log'), hashtext(current_schema()))";

/// A partition as PostgreSQL knows it. Times are in seconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Partition {
    name: String,
    until: i64,
    /// A detach of it began and did not end.
    is_leaving: bool,
}

static PARTITION_LIST: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new(
        "SELECT child.relname::text, \
         extract(epoch FROM substring(pg_get_expr(child.relpartbound, child.oid) FROM 'TO \\(''([^'']+)''\\)')::timestamptz)::bigint, \
         link.inhdetachpending \
         FROM pg_inherits link JOIN pg_class child ON child.oid = link.inhrelid \
         WHERE link.inhparent = 'events'::regclass ORDER BY 2",
    )
});

static NOW: LazyLock<Sql> = LazyLock::new(|| Sql::new("SELECT extract(epoch FROM clock_timestamp())::bigint"));

/// The length of a partition, in seconds.
fn length(retention: Duration) -> i64 {
    i64::try_from((retention / PARTITIONS).max(SHORTEST).as_secs()).unwrap_or(i64::MAX)
}

/// Makes partitions if there is none for what is appended now, be it by waiting for another process that does.
pub(crate) async fn prepare(database: &Database, retention: Duration) -> Result<(), Error> {
    let mut connection = database.dedicated().await?;
    let end = Instant::now() + PATIENCE;
    while !prepare_on(&mut connection, retention).await.map_err(refusal)? {
        if Instant::now() >= end {
            return Err(Error::new(Reason::NotReady, "another process is looking after the event log; try again"));
        }
        sleep(AGAIN).await;
    }
    Ok(())
}

/// Says whether there are partitions now.
async fn prepare_on(connection: &mut AsyncPgConnection, retention: Duration) -> QueryResult<bool> {
    let now = now(connection).await?;
    if list(connection).await?.last().is_some_and(|last| last.until > now) {
        return Ok(true);
    }
    connection.batch_execute(LIMITS).await?;
    if !lock(connection).await? {
        return Ok(false);
    }
    make(connection, length(retention)).await?;
    Ok(true)
}

/// Makes the partitions that will be needed, and drops those that are not needed any more, unless another process does it.
pub(crate) async fn maintain(database: &Database, retention: Duration) -> Result<(), Error> {
    // Closed at the end, and with it goes the lock.
    let mut connection = database.dedicated().await?;
    maintain_on(&mut connection, retention).await.map_err(refusal)
}

async fn maintain_on(connection: &mut AsyncPgConnection, retention: Duration) -> QueryResult<()> {
    connection.batch_execute(LIMITS).await?;
    if !lock(connection).await? {
        return Ok(());
    }
    make(connection, length(retention)).await?;
    drop_old(connection, retention).await
}

/// Takes the lock of who looks after the partitions, for as long as the connection lives, unless another has it.
async fn lock(connection: &mut AsyncPgConnection) -> QueryResult<bool> {
    let locked = rows(connection, &Sql::new(LOCK), &[]).await?;
    Ok(locked.first().map(|row| row.bool(0)).transpose()?.flatten().unwrap_or_default())
}

async fn now(connection: &mut AsyncPgConnection) -> QueryResult<i64> {
    let found = rows(connection, &NOW, &[]).await?;
    Ok(found.first().map(|row| row.i64(0)).transpose()?.flatten().unwrap_or_default())
}

async fn list(connection: &mut AsyncPgConnection) -> QueryResult<Vec<Partition>> {
    let read = |row: &PgRow| {
        Ok(Partition {
            name: row.text(0)?.unwrap_or_default(),
            until: row.i64(1)?.unwrap_or(i64::MAX),
            is_leaving: row.bool(2)?.unwrap_or_default(),
        })
    };
    rows(connection, &PARTITION_LIST, &[]).await?.iter().map(read).collect()
}

/// Makes partitions behind the last one until there are enough.
async fn make(connection: &mut AsyncPgConnection, length: i64) -> QueryResult<()> {
    let now = now(connection).await?;
    let last = list(connection).await?.last().map(|partition| partition.until);
    for (from, until) in missing(last, now, length) {
        let name = format!("events_from_{from}");
        // It is made by itself and then attached: CREATE TABLE … PARTITION OF would lock out writers.
        let sql = format!(
            "CREATE TABLE IF NOT EXISTS {name} (LIKE events); \
             ALTER TABLE events ATTACH PARTITION {name} FOR VALUES FROM (to_timestamp({from})) TO (to_timestamp({until}))"
        );
        connection.batch_execute(&sql).await?;
        tracing::info!(name, "a partition of the event log is made");
    }
    Ok(())
}

/// The partitions that are missing, in seconds since the Unix epoch.
fn missing(last: Option<i64>, now: i64, length: i64) -> Vec<(i64, i64)> {
    let aligned = now - now.rem_euclid(length);
    let mut from = last.map_or(aligned, |last| if last <= now - length { aligned } else { last });
    let mut missing = Vec::new();
    while from < now.saturating_add(AHEAD * length) {
        missing.push((from, from + length));
        from += length;
    }
    missing
}

async fn drop_old(connection: &mut AsyncPgConnection, retention: Duration) -> QueryResult<()> {
    let oldest = now(connection).await? - i64::try_from(retention.as_secs()).unwrap_or(i64::MAX);
    let (leaving, staying) =
        list(connection).await?.into_iter().partition::<Vec<_>, _>(|partition| partition.is_leaving);
    // First: PostgreSQL lets one leave at a time.
    for Partition { name, .. } in leaving {
        connection.batch_execute(&format!("ALTER TABLE events DETACH PARTITION {} FINALIZE", quote(&name))).await?;
        drop_detached(connection, &name).await?;
    }
    for Partition { name, .. } in staying.into_iter().filter(|partition| partition.until <= oldest) {
        let quoted = quote(&name);
        if give_up(connection, &quoted).await? {
            connection.batch_execute(&format!("ALTER TABLE events DETACH PARTITION {quoted} CONCURRENTLY")).await?;
            drop_detached(connection, &name).await?;
        }
    }
    let binds = [Bind::i64(oldest - length(retention))];
    for row in rows(connection, &DETACHED, &binds).await? {
        drop_detached(connection, &row.text(0)?.unwrap_or_default()).await?;
    }
    Ok(())
}

/// Partitions of ours that are as old, were detached, and then could not be dropped.
static DETACHED: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new(
        "SELECT relname::text FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace \
         WHERE nspname = current_schema() AND relkind = 'r' AND NOT relispartition \
         AND substring(relname FROM '^events_from_([0-9]{1,18})$')::bigint <= ?::bigint",
    )
});

async fn drop_detached(connection: &mut AsyncPgConnection, name: &str) -> QueryResult<()> {
    connection.batch_execute(&format!("DROP TABLE {}", quote(name))).await?;
    tracing::info!(name, "a partition of the event log is dropped");
    Ok(())
}

/// Notes that a partition's events may be gone, before they are; says whether they may. They may not while a consumer still
/// needs them.
async fn give_up(connection: &mut AsyncPgConnection, quoted: &str) -> QueryResult<bool> {
    let newest = rows(connection, &Sql::once(&format!("SELECT max(position) FROM {quoted}")), &[]).await?;
    let Some(newest) = newest.first().map(|row| row.i64(0)).transpose()?.flatten() else { return Ok(true) };
    let noted = Sql::new(
        "UPDATE event_log SET dropped_through = GREATEST(dropped_through, ?::bigint) \
         WHERE NOT EXISTS (SELECT FROM event_consumers WHERE position < ?::bigint)",
    );
    let noted = execute(connection, &noted, &[Bind::i64(newest), Bind::i64(newest)]).await?;
    Ok(noted > 0)
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
        assert_eq!(missing(None, 1_050, 100), [(1_000, 1_100), (1_100, 1_200), (1_200, 1_300), (1_300, 1_400)]);
        assert_eq!(missing(Some(1_400), 1_050, 100), []);
        assert_eq!(missing(Some(1_300), 1_050, 100), [(1_300, 1_400)]);
        assert_eq!(missing(Some(1_000), 1_050, 100)[0], (1_000, 1_100), "what is just over is followed on");
        assert_eq!(missing(Some(500), 1_050, 100)[0], (1_000, 1_100), "time in which nothing ran is left out");
        assert_eq!(missing(Some(1_370), 1_050, 200), [(1_370, 1_570), (1_570, 1_770)], "another length goes on");
    }

    #[test]
    fn a_retention_is_twelve_partitions() {
        assert_eq!(length(Duration::from_secs(72 * 3_600)), 6 * 3_600);
        assert_eq!(length(Duration::from_secs(60)), 60);
    }
}
