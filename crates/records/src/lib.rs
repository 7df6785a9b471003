//! The service that stores and serves the records of every model.
//!
//! It follows `schema` ([`follower`]), completes the storage of a revision (`groundplan_storage`), and serves the revision's
//! derived services without generated code: [`derived`] and REST convert a request to one of the [`operations`], which depend on
//! neither. The compiled form of a revision is one value, [`served::Served`], which is replaced as a whole.

mod backend;
mod behavior;
mod call;
mod change;
mod changefeed;
mod clock;
mod derived;
mod etag;
mod follower;
mod formulas;
mod history;
mod limits;
mod operations;
mod purge;
mod purge_lag;
mod records_service;
mod reflection;
mod scan;
mod served;
mod served_revisions;
mod state;
mod store;
mod streamed;
mod table;
mod table_sizes;
mod tables;
mod tasks;
mod transfer;
mod transfer_slots;
mod tx_error;
mod watch;

pub use limits::LIMITS;

use crate::follower::Follower;
use crate::reflection::Reflection;
use crate::state::Records;
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use groundplan_budget::Memory;
use groundplan_chassis::database::Database;
use groundplan_chassis::mounted_service::{MountedService, grpc_routes};
use groundplan_chassis::transport::Transport;
use groundplan_error::Error;
use groundplan_proto::records::v1::records_service_server;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic_reflection::pb::v1::server_reflection_server as v1;
use tonic_reflection::pb::v1alpha::server_reflection_server as v1alpha;

/// The PostgreSQL schema of the service's tables.
pub const DATABASE_SCHEMA: &str = "groundplan_records";

/// The migrations of the service's tables.
const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// The maximum size of a request to reflection in bytes. A request contains one name.
const MAX_REFLECTION_REQUEST: usize = 64 << 10;

/// The dependencies of the service.
pub struct Dependencies {
    /// The database. The service's schema is [`DATABASE_SCHEMA`]; the service also creates one for each package of models.
    pub database: Database,
    /// The connection to `schema`.
    pub schema: Transport,
    /// The settings of the service.
    pub settings: Settings,
    /// The memory that all calls of the process share.
    pub memory: Memory,
    /// Stops the tasks and the streams.
    pub stop: CancellationToken,
}

/// The settings of the service.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The maximum size of a request message, in bytes.
    pub max_message_bytes: usize,
    /// The maximum size of a table that a query can read in full, in bytes.
    pub scan_limit_bytes: usize,
    /// How long a page token is valid.
    pub page_token_lifetime: Duration,
    /// How long events remain in the event log.
    pub log_retention: Duration,
    /// The maximum size of the changes that wait for a watcher, in bytes. A watcher that exceeds it is disconnected.
    pub watch_buffer_bytes: usize,
    /// The maximum number of watches of the process.
    pub max_watches: usize,
    /// How long a call with a request id can be repeated.
    pub request_id_retention: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_message_bytes: 4 << 20,
            scan_limit_bytes: 16 << 20,
            page_token_lifetime: Duration::from_secs(72 * 3_600),
            log_retention: groundplan_eventlog::Settings::default().retention,
            watch_buffer_bytes: 4 << 20,
            max_watches: 20_000,
            request_id_retention: Duration::from_secs(24 * 3_600),
        }
    }
}

/// Creates and migrates the service's tables, or only checks them, depending on the migration mode of the database.
pub async fn migrate(database: &Database) -> Result<(), Error> {
    database.migrate(MIGRATIONS).await?;
    database.migrate(groundplan_eventlog::MIGRATIONS).await
}

/// Creates the service: the derived gRPC services as the router's fallback, reflection and REST, and the task that follows
/// `schema`. It is ready when it serves the live revision, or knows that none exists, while its database responds.
pub async fn mount(dependencies: Dependencies) -> Result<MountedService, Error> {
    let Dependencies { database, schema, settings, memory, stop } = dependencies;
    migrate(&database).await?;
    let mut tasks = JoinSet::new();
    let is_healthy = database.watch_health(&mut tasks, stop.clone());
    let records = Records::open(database, settings, memory, stop.clone()).await?;
    let (settled, serves) = tokio::sync::watch::channel(false);
    tasks::spawn(&records, &mut tasks);
    Follower::new(records.clone(), schema, settled).spawn(&mut tasks, stop.clone());
    let reflection = Reflection::new(records.clone(), stop)?;
    let reflection_v1 =
        v1::ServerReflectionServer::new(reflection.clone()).max_decoding_message_size(MAX_REFLECTION_REQUEST);
    let reflection_v1alpha =
        v1alpha::ServerReflectionServer::new(reflection).max_decoding_message_size(MAX_REFLECTION_REQUEST);
    let bound = axum::middleware::from_fn_with_state(settings.max_message_bytes, records_service::bound);
    let router = groundplan_rest::router(records.clone(), settings.max_message_bytes)
        .merge(grpc_routes(reflection_v1))
        .merge(grpc_routes(reflection_v1alpha))
        .merge(grpc_routes(records_service::server(records.clone())).layer(bound))
        .merge(derived::router(records, settings));
    Ok(MountedService {
        router,
        names: vec![v1::SERVICE_NAME, v1alpha::SERVICE_NAME, records_service_server::SERVICE_NAME],
        ready: vec![serves, is_healthy],
        tasks,
    })
}

#[cfg(test)]
mod tests;
