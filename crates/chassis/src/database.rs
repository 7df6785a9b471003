//! A service's database: its PostgreSQL schema, a connection pool, and statements that are built at run time.

mod bind;
mod cancel;
mod columns;
mod connect;
mod dedicated;
mod error;
mod health_check;
mod lease;
mod listen;
mod migrate;
mod migration_mode;
mod partitions;
mod pool;
mod slow_statement;
mod statement;
mod tls;

pub use bind::{Bind, oid};
pub use columns::{Columns, decode_array, decode_interval, decode_jsonb, decode_numeric_u64, decode_timestamptz};
pub use connect::client;
pub use error::database_error;
pub use lease::Lease;
pub use listen::Listener;
pub use migration_mode::MigrationMode;
pub use partitions::{PartitionedTable, ReleaseAlways, ReleaseCheck};
pub use pool::MAX_CONNECTION_LIFETIME;
pub use slow_statement::record_statement;
pub use statement::{PgRow, Sql, execute, row_stream, rows};

use crate::settings::{DatabaseSettings, Secret};
use cancel::Canceller;
use connect::ConnectionTarget;
use diesel_migrations::EmbeddedMigrations;
use groundplan_call::context;
use groundplan_error::Error;
use pool::Pool;
use std::sync::Arc;
use std::time::Instant;
use tracing::Instrument as _;

/// Microseconds from the Unix epoch to PostgreSQL's epoch, the start of the year 2000.
pub const POSTGRES_EPOCH: i64 = 946_684_800_000_000;

/// A service's database. Clones share the pool.
#[derive(Clone)]
pub struct Database {
    target: Arc<ConnectionTarget>,
    pool: Pool,
    canceller: Arc<Canceller>,
    migration_mode: MigrationMode,
}

impl Database {
    /// Connects, checks that the server accepts writes, and creates `schema` if it does not exist. It is the search path of every
    /// connection.
    pub async fn connect(url: &Secret, schema: &'static str, settings: &DatabaseSettings) -> Result<Self, Error> {
        Self::connect_to(url, schema, settings, MigrationMode::Migrate).await
    }

    /// Connects like [`Self::connect`], with a mode for missing or outdated tables.
    pub async fn connect_to(
        url: &Secret,
        schema: &'static str,
        settings: &DatabaseSettings,
        migration_mode: MigrationMode,
    ) -> Result<Self, Error> {
        let target = Arc::new(ConnectionTarget::parse(url, schema, settings)?);
        target.prepare(migration_mode).await?;
        let pool = Pool::new(Arc::clone(&target), settings);
        let canceller = Arc::new(Canceller::new(Arc::clone(&target)));
        Ok(Self { target, pool, canceller, migration_mode })
    }

    /// Runs the pending migrations. Of several processes, one runs them and the others wait. With [`MigrationMode::CheckOnly`]
    /// pending migrations are an error.
    pub async fn migrate(&self, migrations: EmbeddedMigrations) -> Result<(), Error> {
        match self.migration_mode {
            MigrationMode::Migrate => migrate::run(&self.target, migrations).await,
            MigrationMode::CheckOnly => migrate::check(&self.target, &migrations).await,
        }
    }

    /// Leases a connection of the pool. Waits a bounded time for a free one.
    pub async fn lease(&self) -> Result<Lease, Error> {
        let started = Instant::now();
        let acquired = self.pool.acquire().instrument(tracing::debug_span!("queue")).await;
        context::add_wait(started.elapsed());
        let connection = acquired?;
        Ok(Lease::new(connection, Arc::clone(&self.canceller)))
    }

    /// Returns the maximum number of connections of the pool.
    pub fn connections(&self) -> usize {
        self.pool.size()
    }

    /// Returns the PostgreSQL schema of the service.
    pub fn schema(&self) -> &'static str {
        self.target.schema()
    }

    /// Checks that the server responds.
    pub async fn ping(&self) -> Result<(), Error> {
        let sql = Sql::new("SELECT 1");
        let mut lease = self.lease().await?;
        lease.run(async |connection| execute(connection, &sql, &[]).await).await.map(drop).map_err(database_error)
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Database").field("schema", &self.target.schema()).finish_non_exhaustive()
    }
}
