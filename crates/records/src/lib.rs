//! The service that stores and serves the records of every model.
//!
//! It follows `schema` ([`follower`]), completes the storage of a revision (`groundplan_storage`), and serves the revision's derived
//! services without generated code: [`grpc`] and REST turn a request into one of the [`operations`], which know nothing
//! of either. Everything compiled of a revision is one value, [`served::Served`], swapped whole.

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

/// The PostgreSQL schema of the service's own tables.
pub const DATABASE_SCHEMA: &str = "groundplan_records";

/// The tables of the service's own.
const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// The longest request to reflection, in bytes: it holds one name.
const MAX_REFLECTION_REQUEST: usize = 64 << 10;

/// What the service needs.
pub struct Dependencies {
    /// Its own PostgreSQL schema is [`DATABASE_SCHEMA`]; it also makes one for each package of models.
    pub database: Database,
    /// Leads to `schema`.
    pub schema: Transport,
    /// Its limits.
    pub settings: Settings,
    /// What all calls of the process may hold together.
    pub memory: Memory,
    /// Ends its tasks and its streams.
    pub stop: CancellationToken,
}

/// What can be set.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The longest request message, in bytes.
    pub max_message_bytes: usize,
    /// The largest table that a query may read from end to end, in bytes.
    pub scan_limit_bytes: usize,
    /// How long a page token is good for.
    pub page_token_lifetime: Duration,
    /// How long the event log is kept.
    pub log_retention: Duration,
    /// How many bytes may wait for a follower before it is cut off.
    pub watch_buffer_bytes: usize,
    /// How many followers the process has at most.
    pub max_watches: usize,
    /// For how long a call with a request id can be repeated.
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

/// Makes and migrates the service's own tables, or checks them, as the database was connected.
pub async fn migrate(database: &Database) -> Result<(), Error> {
    database.migrate(MIGRATIONS).await?;
    database.migrate(groundplan_eventlog::MIGRATIONS).await
}

/// Makes the service: the derived gRPC services as the router's fallback, reflection and REST, and the task that
/// follows `schema`. It is ready once it serves the live revision, or knows that there is none, for as long as its
/// database answers.
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
