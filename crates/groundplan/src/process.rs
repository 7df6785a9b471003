//! A process that serves: mounts services, answers until it is told to stop, and lets open calls end.

use crate::error::CliError;
use crate::output::print_error;
use crate::services::{MountContext, Service};
use groundplan_budget::Memory;
use groundplan_chassis::database::MigrationMode;
use groundplan_chassis::layers::{self, RootKey};
use groundplan_chassis::mounted_service::MountedService;
use groundplan_chassis::settings::{
    AdminSettings, AllowList, DatabaseSettings, EventSettings, QuerySettings, Secret, ServerSettings,
};
use groundplan_chassis::tls::Tls;
use groundplan_chassis::{admin, health, server};
use prometheus::Registry;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// How long the services' own work may take to end once the calls have ended.
const TASKS_GRACE_PERIOD: Duration = Duration::from_secs(5);

/// What a process serves, and with what.
pub(crate) struct Process<'a> {
    pub(crate) services: &'a [Service],
    pub(crate) db_url: &'a Secret,
    pub(crate) api_key: &'a Secret,
    pub(crate) schema_url: Option<&'a str>,
    pub(crate) database: &'a DatabaseSettings,
    pub(crate) migration_mode: MigrationMode,
    pub(crate) queries: &'a QuerySettings,
    pub(crate) events: &'a EventSettings,
    pub(crate) server: &'a ServerSettings,
    pub(crate) admin: &'a AdminSettings,
    /// What the admin port shows.
    pub(crate) registry: Registry,
    /// What connections are held to, if they are.
    pub(crate) tls: Option<Arc<Tls>>,
    /// Who may call, where there is mutual TLS.
    pub(crate) allow: Option<AllowList>,
}

/// The wish to stop.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shutdown {
    /// Shutdown, but let open calls end.
    pub(crate) graceful: CancellationToken,
    /// Do not wait for them.
    pub(crate) immediate: CancellationToken,
}

/// Stops on SIGTERM and SIGINT (Ctrl-C); a second SIGINT does not wait.
pub(crate) fn shutdown_on_signals() -> Result<Shutdown, CliError> {
    let failed = |error: std::io::Error| CliError::new(format!("signals cannot be waited for: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let stop = Shutdown::default();
    let requested = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => print_error(format_args!("Stopping when open calls have ended; a second Ctrl-C does not wait")),
        }
        requested.graceful.cancel();
        interrupt.recv().await;
        requested.immediate.cancel();
    });
    Ok(stop)
}

/// Takes the port, before anything slow is done: if it is taken, that is said at once.
pub(crate) async fn listen(settings: &ServerSettings) -> Result<TcpListener, CliError> {
    let (address, port) = (settings.listen, settings.port);
    TcpListener::bind((address, port)).await.map_err(|error| {
        CliError::new(match error.kind() {
            ErrorKind::AddrInUse => format!("port {port} is taken by another program; stop it, or set PORT to another"),
            ErrorKind::PermissionDenied => format!("port {port} needs privileges; set PORT to one from 1024 up"),
            _ => format!("{address}:{port} cannot be listened on: {error}; set PORT and GROUNDPLAN_LISTEN"),
        })
    })
}

impl Process<'_> {
    /// Serves until `stop`. `on_mounted` is called once, when nothing is left that could keep it from serving, and
    /// `on_ready` when every service can answer.
    pub(crate) async fn run(
        &self,
        listener: TcpListener,
        stop: Shutdown,
        on_mounted: impl FnOnce() -> Result<(), CliError>,
        on_ready: impl FnOnce(Duration),
    ) -> Result<(), CliError> {
        let started = Instant::now();
        let key = RootKey::new(self.api_key)?;
        let admin = admin::listen(self.admin).await?;
        let memory = Memory::new(self.server.budgets.memory);
        let mounting = self.mount(&memory, &stop);
        let mounted = tokio::select! {
            mounted = mounting => mounted?,
            () = stop.graceful.cancelled() => return Ok(()),
        };
        let router = mounted.iter().fold(axum::Router::new(), |all, one| all.merge(one.router.clone()));
        let router = layers::stack(router, key, self.allow.clone(), memory, self.server);
        on_mounted()?;
        // Health stands last in the list, and is ready when all others are.
        let ready = mounted.last().and_then(|health| health.ready.first().cloned());
        // As long as calls end, health and metrics are there.
        let ended = CancellationToken::new();
        let _ended = ended.clone().drop_guard();
        let admin_server = self.spawn_admin_server(admin, mounted.last(), ended);
        let serving = server::serve(listener, router, self.tls.clone(), stop.graceful.clone(), self.server);
        let announcing = async {
            if wait_until_ready(ready).await {
                on_ready(started.elapsed());
            }
            std::future::pending::<std::convert::Infallible>().await
        };
        let served = tokio::select! {
            served = serving => served,
            never = announcing => match never {},
            () = stop.immediate.cancelled() => {
                tracing::warn!("not waiting for open calls");
                return Ok(());
            }
        };
        drop(admin_server);
        stop.graceful.cancel();
        join_tasks(mounted, &stop).await;
        served.map(drop).map_err(CliError::from)
    }

    /// Serves the admin port by a task of its own, which ends with what this gives.
    fn spawn_admin_server(
        &self,
        listener: Option<TcpListener>,
        health: Option<&MountedService>,
        ended: CancellationToken,
    ) -> Option<AbortOnDropHandle<()>> {
        let (listener, health) = (listener?, health?);
        let serving = admin::serve(listener, health, self.registry.clone(), ended, self.server);
        Some(AbortOnDropHandle::new(tokio::spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!(error = error.log_text(), "the admin port is not served any more");
            }
        })))
    }

    /// Mounts the services, and the health of all of them.
    async fn mount(&self, memory: &Memory, stop: &Shutdown) -> Result<Vec<MountedService>, CliError> {
        let context = MountContext {
            db_url: self.db_url,
            api_key: self.api_key,
            database: self.database,
            migration_mode: self.migration_mode,
            queries: self.queries,
            events: self.events,
            server: self.server,
            memory,
            schema_url: self.schema_url,
            tls: self.tls.as_ref(),
            stop: &stop.graceful,
        };
        let mut mounted = context.mount(self.services).await?;
        let health = health::mount(&mounted, stop.graceful.clone()).await;
        mounted.push(health);
        Ok(mounted)
    }
}

/// Waits until there is readiness; false if there never will be.
async fn wait_until_ready(ready: Option<watch::Receiver<bool>>) -> bool {
    match ready {
        Some(mut ready) => ready.wait_for(|ready| *ready).await.is_ok(),
        None => false,
    }
}

/// Waits until the services' own work has ended, for a bounded time.
async fn join_tasks(mounted: Vec<MountedService>, stop: &Shutdown) {
    let ending = async {
        for mut one in mounted {
            while let Some(ended) = one.tasks.join_next().await {
                if let Err(error) = ended {
                    tracing::error!(%error, "a service's task failed");
                }
            }
        }
    };
    tokio::select! {
        () = ending => {}
        () = tokio::time::sleep(TASKS_GRACE_PERIOD) => tracing::warn!(grace = ?TASKS_GRACE_PERIOD, "the services' own work did not end in time"),
        () = stop.immediate.cancelled() => {}
    }
}
