//! The service that stores revisions: all applied models, plans for new ones, and the applies themselves.
//!
//! An apply ([`rpc::apply`]) records a *preparing* revision, of which at most one exists, waits until a `records`
//! process reports that it has created the storage, makes the revision *live* with one `UPDATE`, and finishes when
//! every `records` process serves it. These processes follow the event log, to which each change of a revision is
//! appended in the same transaction ([`store::events`]), and report their progress.
//!
//! **Invariant:** this service creates no storage for models and calls no other service. Its whole state is in its
//! tables, so that any number of its processes can run, and each of them can stop at any moment.

mod compiler_queue;
mod convert;
mod error;
mod formulas;
mod input;
mod proposal;
mod rpc;
mod rules_cache;
mod service;
mod store;
mod tables;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use groundplan_chassis::database::Database;
use groundplan_chassis::mounted_service::{MountedService, grpc_routes};
use groundplan_error::{Error, Limit};
use groundplan_proto::schema::v1::{distribution_service_server, schema_service_server};
use service::Schema;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The PostgreSQL schema of this service, to connect the [`Database`] of [`Dependencies`].
pub const DATABASE_SCHEMA: &str = "groundplan_schema";

/// The limits on plans and applies.
pub const LIMITS: &[Limit] = &[
    Limit::things(
        "concurrent compilations of uploaded models",
        compiler_queue::MAX_CONCURRENT,
        "uploads",
        "further uploads wait",
    ),
    Limit::things("uploads of models waiting for compilation", compiler_queue::MAX_WAITING, "uploads", "SERVER_BUSY"),
    Limit::things(
        "compilation of an upload of models",
        compiler_queue::TIME_LIMIT_SECONDS as usize,
        "seconds",
        "DEADLINE_EXCEEDED",
    ),
];

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// The dependencies of the service.
pub struct Dependencies {
    /// The database, connected with [`DATABASE_SCHEMA`].
    pub database: Database,
    pub settings: Settings,
    /// Stops endless streams and applies when the process stops.
    pub stop: CancellationToken,
}

/// The time limits of the service.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The time that an apply waits while no `records` process is alive.
    pub apply_timeout: Duration,
    /// The time that an apply waits until live `records` processes start preparing a revision, and then until they
    /// serve it.
    pub uptake_timeout: Duration,
    /// The time without a report after which a `records` process counts as stopped.
    pub follower_timeout: Duration,
    /// The time without a renewal after which an apply counts as dead and the next one takes over.
    pub lease: Duration,
    /// The interval at which an apply reads reports that other processes of this service received.
    pub poll_interval: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            apply_timeout: Duration::from_secs(10),
            uptake_timeout: Duration::from_secs(60),
            follower_timeout: Duration::from_secs(6),
            // Renewed six times as often, so that a pause of a few seconds loses nothing; short, so that a killed
            // process delays the next apply only briefly.
            lease: Duration::from_secs(9),
            poll_interval: Duration::from_millis(500),
        }
    }
}

/// Creates or migrates the service's tables, or checks them, depending on the database settings.
pub async fn migrate(database: &Database) -> Result<(), Error> {
    database.migrate(MIGRATIONS).await?;
    database.migrate(groundplan_eventlog::MIGRATIONS).await
}

/// Migrates the service's tables and mounts its two gRPC services.
///
/// The returned tasks finish after [`Dependencies::stop`]; running applies are marked failed first.
pub async fn mount(dependencies: Dependencies) -> Result<MountedService, Error> {
    migrate(&dependencies.database).await?;
    let schema = Schema::open(dependencies).await?;
    let rollouts = schema.rollouts.clone();
    let stop = schema.stop.clone();
    let mut tasks = JoinSet::new();
    schema.log.spawn(&mut tasks, &stop);
    let is_healthy = schema.database.watch_health(&mut tasks, stop.clone());
    tasks.spawn(async move {
        stop.cancelled().await;
        rollouts.close();
        rollouts.wait().await;
    });
    Ok(MountedService {
        router: grpc_routes(rpc::schema_server(schema.clone())).merge(grpc_routes(rpc::distribution_server(schema))),
        names: vec![schema_service_server::SERVICE_NAME, distribution_service_server::SERVICE_NAME],
        ready: vec![is_healthy],
        tasks,
    })
}
