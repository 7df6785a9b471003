//! A serving process: mounts services, serves until shutdown, and drains open calls.

use crate::error::CliError;
use crate::output::print_error;
use crate::service_settings::ServiceSettings;
use crate::services::{MountContext, Service};
use groundplan_budget::Memory;
use groundplan_chassis::database::MigrationMode;
use groundplan_chassis::layers::{self, RootKey};
use groundplan_chassis::mounted_service::MountedService;
use groundplan_chassis::settings::{AllowList, Secret, ServerSettings};
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

/// How long the services' background tasks can take to finish after the last call.
const TASKS_GRACE_PERIOD: Duration = Duration::from_secs(5);

/// The services and settings of a process.
pub(crate) struct Process<'a> {
    pub(crate) services: &'a [Service],
    pub(crate) db_url: &'a Secret,
    pub(crate) api_key: &'a Secret,
    pub(crate) schema_url: Option<&'a str>,
    pub(crate) settings: &'a ServiceSettings,
    pub(crate) migration_mode: MigrationMode,
    /// The metrics that the admin port shows.
    pub(crate) registry: Registry,
    /// The certificates for mutual TLS, if it is enabled.
    pub(crate) tls: Option<Arc<Tls>>,
    /// The allowed callers with mutual TLS.
    pub(crate) allow: Option<AllowList>,
}

/// A request to stop.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shutdown {
    /// Stop after open calls have finished.
    pub(crate) graceful: CancellationToken,
    /// Stop without waiting for open calls.
    pub(crate) immediate: CancellationToken,
}

/// Stops on SIGTERM and SIGINT (Ctrl-C); a second SIGINT stops immediately.
pub(crate) fn shutdown_on_signals() -> Result<Shutdown, CliError> {
    let failed = |error: std::io::Error| CliError::new(format!("cannot wait for signals: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let stop = Shutdown::default();
    let requested = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => print_error(format_args!("Stopping after open calls have finished; press Ctrl-C again to \
                stop immediately")),
        }
        requested.graceful.cancel();
        interrupt.recv().await;
        requested.immediate.cancel();
    });
    Ok(stop)
}

/// Binds the port before any slow work, so that an error is reported immediately.
pub(crate) async fn listen(settings: &ServerSettings) -> Result<TcpListener, CliError> {
    let (address, port) = (settings.listen, settings.port);
    TcpListener::bind((address, port)).await.map_err(|error| {
        CliError::new(match error.kind() {
            ErrorKind::AddrInUse => format!("port {port} is taken by another program; stop it, or set PORT to another"),
            ErrorKind::PermissionDenied => format!("port {port} needs privileges; set PORT to one from 1024 up"),
            _ => format!("cannot listen on {address}:{port}: {error}; set PORT and GROUNDPLAN_LISTEN"),
        })
    })
}

impl Process<'_> {
    /// Serves until `stop`. Calls `on_mounted` once, after everything that can fail at startup, and `on_ready` when every service
    /// is ready.
    pub(crate) async fn run(
        &self,
        listener: TcpListener,
        stop: Shutdown,
        on_mounted: impl FnOnce() -> Result<(), CliError>,
        on_ready: impl FnOnce(Duration),
    ) -> Result<(), CliError> {
        let started = Instant::now();
        let key = RootKey::new(self.api_key)?;
        let admin = admin::listen(&self.settings.admin).await?;
        let memory = Memory::new(self.settings.server.budgets.memory);
        let mounting = self.mount(&memory, &stop);
        let mounted = tokio::select! {
            mounted = mounting => mounted?,
            () = stop.graceful.cancelled() => return Ok(()),
        };
        let router = mounted.iter().fold(axum::Router::new(), |all, one| all.merge(one.router.clone()));
        let router = layers::stack(router, key, self.allow.clone(), memory, &self.settings.server);
        on_mounted()?;
        // Health is the last in the list, and is ready when all others are.
        let ready = mounted.last().and_then(|health| health.ready.first().cloned());
        // Health and metrics stay available while calls are draining.
        let ended = CancellationToken::new();
        let _ended = ended.clone().drop_guard();
        let admin_server = self.spawn_admin_server(admin, mounted.last(), ended);
        let serving = server::serve(listener, router, self.tls.clone(), stop.graceful.clone(), &self.settings.server);
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

    /// Serves the admin port in its own task, which stops when the returned handle is dropped.
    fn spawn_admin_server(
        &self,
        listener: Option<TcpListener>,
        health: Option<&MountedService>,
        ended: CancellationToken,
    ) -> Option<AbortOnDropHandle<()>> {
        let (listener, health) = (listener?, health?);
        let serving = admin::serve(listener, health, self.registry.clone(), ended, &self.settings.server);
        Some(AbortOnDropHandle::new(tokio::spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!(error = error.log_text(), "the admin port is no longer served");
            }
        })))
    }

    /// Mounts the services and their health.
    async fn mount(&self, memory: &Memory, stop: &Shutdown) -> Result<Vec<MountedService>, CliError> {
        let context = MountContext {
            db_url: self.db_url,
            api_key: self.api_key,
            settings: self.settings,
            migration_mode: self.migration_mode,
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

/// Waits until all services are ready; false if they never will be.
async fn wait_until_ready(ready: Option<watch::Receiver<bool>>) -> bool {
    match ready {
        Some(mut ready) => ready.wait_for(|ready| *ready).await.is_ok(),
        None => false,
    }
}

/// Waits for a bounded time until the services' background tasks have finished.
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
        () = tokio::time::sleep(TASKS_GRACE_PERIOD) => tracing::warn!(grace = ?TASKS_GRACE_PERIOD, "the services' background \
            tasks did not finish in time"),
        () = stop.immediate.cancelled() => {}
    }
}
