//! Which life of which log a token is of.
//!
//! A database that was restored, or failed over to a standby that lacked the newest commits, draws positions again that it
//! had drawn before. Tokens of the other life must not be taken for places in this one.

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Columns as _, PgRow, Sql, rows};
use sha2::{Digest as _, Sha256};
use std::sync::LazyLock;

/// A digest of all that makes a log what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Epoch(pub(crate) u64);

/// The cluster, its timeline (a new one begins with each failover and each recovery to a point in time), the database, the
/// table, and the identity that was made with the log: a dump takes the last one along, but none of the others.
static FACTS: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new(
        "SELECT (SELECT system_identifier FROM pg_control_system())::text, \
         left(pg_walfile_name(pg_current_wal_lsn()), 8), \
         (SELECT oid FROM pg_database WHERE datname = current_database())::text, 'events'::regclass::oid::text, \
         (SELECT identity FROM event_log)::text",
    )
});

impl Epoch {
    /// The epoch of the log that a connection leads to.
    pub(crate) async fn current(connection: &mut AsyncPgConnection) -> QueryResult<Self> {
        let found = rows(connection, &FACTS, &[]).await?;
        let missing = || diesel::result::Error::DeserializationError("the log does not say what it is".into());
        let row = found.first().ok_or_else(missing)?;
        let facts = (0..5).map(|at| fact(row, at)?.ok_or_else(missing)).collect::<QueryResult<Vec<String>>>()?;
        let digest: [u8; 32] = Sha256::digest(facts.join("\n")).into();
        Ok(Self(digest.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))))
    }
}

fn fact(row: &PgRow, at: usize) -> QueryResult<Option<String>> {
    row.text(at)
}
