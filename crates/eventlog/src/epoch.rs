//! Which life of which log a token is of.
//!
//! A database that was restored, or failed over to a standby that lacked the newest commits, draws positions again that it
//! had drawn before. Tokens of the other life must not be taken for places in this one. The facts here tell a dump, a
//! recovery to a point in time and a failover; [`crate::resume`] tells a restored copy of the data directory.

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Columns as _, PgRow, Sql, rows};
use sha2::{Digest as _, Sha256};
use std::sync::LazyLock;

/// A digest of all that makes a log what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Epoch(pub(crate) u64);

/// What a connection leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) epoch: Epoch,
    /// When PostgreSQL was started, in microseconds since the Unix epoch. Nobody restores a data directory under a server
    /// that runs: while this stays the same, so does the log.
    pub(crate) started_at: i64,
}

/// The cluster, its timeline (a new one begins with each failover and each recovery to a point in time), the database, the
/// table, and the identity that was made with the log: a dump takes the last one along, but none of the others.
static FACTS: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new(
        "SELECT (SELECT system_identifier FROM pg_control_system())::text, \
         left(pg_walfile_name(pg_current_wal_lsn()), 8), \
         (SELECT oid FROM pg_database WHERE datname = current_database())::text, 'events'::regclass::oid::text, \
         (SELECT identity FROM event_log)::text, \
         (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint",
    )
});

impl Server {
    /// The server that a connection leads to.
    pub(crate) async fn identify(connection: &mut AsyncPgConnection) -> QueryResult<Self> {
        let rows = rows(connection, &FACTS, &[]).await?;
        let missing = || diesel::result::Error::DeserializationError("the log does not say what it is".into());
        let row = rows.first().ok_or_else(missing)?;
        let facts = (0..5).map(|at| fact(row, at)?.ok_or_else(missing)).collect::<QueryResult<Vec<String>>>()?;
        let digest: [u8; 32] = Sha256::digest(facts.join("\n")).into();
        let epoch = Epoch(digest.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes)));
        Ok(Self { epoch, started_at: row.i64(5)?.ok_or_else(missing)? })
    }
}

fn fact(row: &PgRow, at: usize) -> QueryResult<Option<String>> {
    row.text(at)
}
