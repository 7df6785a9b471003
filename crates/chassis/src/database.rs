//! A service's place in PostgreSQL: its own schema, a pool of connections, statements that are built at run time.

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

/// Microseconds from the Unix epoch to PostgreSQL's, the start of the year 2000.
pub const POSTGRES_EPOCH: i64 = 946_684_800_000_000;

/// A service's place in PostgreSQL. Clones share the pool.
#[derive(Clone)]
pub struct Database {
    target: Arc<ConnectionTarget>,
    pool: Pool,
    canceller: Arc<Canceller>,
    migration_mode: MigrationMode,
}

impl Database {
    /// Connects, checks that the server can be written to, and creates `schema` where it is missing. Every connection
    /// finds its tables there.
    pub async fn connect(url: &Secret, schema: &'static str, settings: &DatabaseSettings) -> Result<Self, Error> {
        Self::connect_to(url, schema, settings, MigrationMode::Migrate).await
    }

    /// The same, and says what is done about tables that are not as this program needs them.
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

    /// Runs the migrations that have not run yet. When several processes do this at once, one runs them and the others
    /// wait for it. With [`MigrationMode::CheckOnly`] it is an error if there are any.
    pub async fn migrate(&self, migrations: EmbeddedMigrations) -> Result<(), Error> {
        match self.migration_mode {
            MigrationMode::Migrate => migrate::run(&self.target, migrations).await,
            MigrationMode::CheckOnly => migrate::check(&self.target, &migrations).await,
        }
    }

    /// Takes a connection out of the pool, for as long as the lease lives. Waits for a free one for a bounded time.
    pub async fn lease(&self) -> Result<Lease, Error> {
        let began = Instant::now();
        let taken = self.pool.acquire().instrument(tracing::debug_span!("queue")).await;
        context::add_wait(began.elapsed());
        let connection = taken?;
        Ok(Lease::new(connection, Arc::clone(&self.canceller)))
    }

    /// How many connections the pool has at most.
    pub fn connections(&self) -> usize {
        self.pool.size()
    }

    /// The PostgreSQL schema in which every connection finds its tables.
    pub fn schema(&self) -> &'static str {
        self.target.schema()
    }

    /// Asks the server for an answer.
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
