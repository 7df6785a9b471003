//! The service that keeps revisions: everything that was ever applied, what applying something else would change, and
//! the apply itself.
//!
//! An apply ([`rollout`]) records a *preparing* revision, of which there is at most one, waits until a `records` process
//! reports that its storage is made, makes it the *live* one with a single `UPDATE`, and ends when every `records`
//! process serves it. Those processes follow the event log, to which each change of a revision is appended in its own
//! transaction ([`store::events`]), and report back.
//!
//! **Invariant:** this service makes no storage of models and calls nobody. Everything it knows stands in its
//! tables, so any number of its processes can run, and any of them can die at any moment.

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

/// The PostgreSQL schema of this service: connect the [`Database`] of [`Dependencies`] with it.
pub const DATABASE_SCHEMA: &str = "groundplan_schema";

/// The bounds on plans and applies.
pub const LIMITS: &[Limit] = &[
    Limit::things("concurrent compilations of uploaded models", compiler_queue::MAX_CONCURRENT, "uploads", "further uploads wait"),
    Limit::things("uploads of models waiting for compilation", compiler_queue::MAX_WAITING, "uploads", "SERVER_BUSY"),
    Limit::things("compilation of an upload of models", compiler_queue::TIME_LIMIT_SECONDS as usize, "seconds", "DEADLINE_EXCEEDED"),
];

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// What the service needs.
pub struct Dependencies {
    /// Connected with [`DATABASE_SCHEMA`].
    pub database: Database,
    pub settings: Settings,
    /// Ends the streams that have no end of their own, and the applies, when the process stops.
    pub stop: CancellationToken,
}

/// How long things may take. Every wait of this service stands here.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long an apply waits while no `records` process is alive.
    pub apply_timeout: Duration,
    /// How long an apply waits for `records` processes that are alive to begin with a revision, and then to serve it.
    pub uptake_timeout: Duration,
    /// After this time without a report a `records` process counts as gone.
    pub follower_timeout: Duration,
    /// After this time without a renewal an apply counts as dead, and the next one takes over.
    pub lease: Duration,
    /// How often an apply looks for what was reported to other processes of this service.
    pub poll_interval: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            apply_timeout: Duration::from_secs(10),
            uptake_timeout: Duration::from_secs(60),
            follower_timeout: Duration::from_secs(6),
            // Renewed six times as often, so that a pause of seconds loses nothing, and short, so that an apply whose process
            // was killed holds up the next one only briefly.
            lease: Duration::from_secs(9),
            poll_interval: Duration::from_millis(500),
        }
    }
}

/// Makes and migrates the service's own tables, or checks them, as the database was connected.
pub async fn migrate(database: &Database) -> Result<(), Error> {
    database.migrate(MIGRATIONS).await?;
    database.migrate(groundplan_eventlog::MIGRATIONS).await
}

/// Migrates the service's tables and mounts its two gRPC services.
///
/// The answer's tasks end by themselves, after [`Dependencies::stop`]; applies that run then are marked failed first.
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
