//! The connection pool.

use super::Columns as _;
use super::connect::{ConnectionTarget, SET_ENGLISH_MESSAGES, is_english};
use super::error::{RETRY_AFTER, is_connection_lost};
use super::statement::{Sql, rows};
use crate::settings::DatabaseSettings;
use crate::telemetry::is_measured;
use bb8::{ErrorSink, ManageConnection, PooledConnection};
use diesel::connection::{Instrumentation, InstrumentationEvent};
use diesel_async::pooled_connection::PoolableConnection as _;
use diesel_async::{AsyncConnection as _, AsyncPgConnection, SimpleAsyncConnection as _};
use groundplan_error::{Error, Reason};
use opentelemetry::KeyValue;
use opentelemetry::global::meter;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::time::sleep;

/// A connection that returns to the pool when it is dropped.
pub(super) type LeasedConnection = PooledConnection<'static, Manager>;

/// The maximum lifetime of a connection, busy or not: its server process grows, and its server might have moved.
pub const MAX_CONNECTION_LIFETIME: Duration = Duration::from_secs(1_800);

/// The interval at which the pool is checked for remaining connections to an unreachable database; the pool has no event for
/// that.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// The connections of a service.
#[derive(Clone)]
pub(super) struct Pool {
    pool: bb8::Pool<Manager>,
    health: ConnectionHealth,
    timeout: Duration,
    size: u32,
}

/// A connection, with the state for cancelling and recycling.
pub(super) struct PooledSession {
    pub(super) connection: AsyncPgConnection,
    /// The server's process for this connection.
    pub(super) process: i32,
    /// Set when a statement has failed because the connection is lost, which is known before the connection itself reports it.
    connection_lost: Arc<AtomicBool>,
    /// After this time the connection is closed instead of returned.
    expires: Instant,
    /// Set while the state of the connection is unknown: it is closed instead of returned.
    pub(super) discard: bool,
}

impl Pool {
    pub(super) fn new(target: Arc<ConnectionTarget>, settings: &DatabaseSettings) -> Self {
        let schema = target.schema();
        let health = ConnectionHealth::default();
        let pool = bb8::Pool::builder()
            .max_size(settings.db_pool_size)
            .connection_timeout(settings.db_pool_timeout)
            .idle_timeout(Some(Duration::from_secs(300)))
            .max_lifetime(Some(MAX_CONNECTION_LIFETIME))
            // The check is cheap, and filters out connections that the server has closed.
            .test_on_check_out(true)
            .error_sink(Box::new(health.clone()))
            .build_unchecked(Manager { target, health: health.clone() });
        register_metrics(&pool, schema);
        Self { pool, health, timeout: settings.db_pool_timeout, size: settings.db_pool_size }
    }

    /// Returns the maximum number of connections.
    pub(super) fn size(&self) -> usize {
        usize::try_from(self.size).unwrap_or(usize::MAX)
    }

    /// Acquires a connection. Waits a bounded time, or not at all while the database is unreachable.
    pub(super) async fn acquire(&self) -> Result<LeasedConnection, Error> {
        let acquired = tokio::select! {
            // Poll this first: it is the one that tries to connect again.
            biased;
            acquired = self.pool.get_owned() => acquired,
            () = self.health.until_unreachable(&self.pool) => Err(bb8::RunError::TimedOut),
        };
        acquired.map_err(|error| {
            let cause = match error {
                bb8::RunError::User(error) => Some(error.log_text()),
                bb8::RunError::TimedOut => self.health.recent_error(self.timeout),
            };
            let message = match cause {
                Some(_) => "the database does not respond; try again",
                None => "all connections to the database are busy; try again",
            };
            let unavailable = Error::new(Reason::DatabaseUnavailable, message).retry_after(RETRY_AFTER);
            match cause {
                Some(cause) => unavailable.caused_by(cause),
                None => unavailable,
            }
        })
    }
}

impl Pool {
    /// Returns whether the last attempt to connect has failed.
    pub(super) fn is_unreachable(&self) -> bool {
        self.health.is_unreachable()
    }
}

/// Registers the metrics of a pool until the process ends.
fn register_metrics(pool: &bb8::Pool<Manager>, schema: &'static str) {
    if !is_measured() {
        return;
    }
    let meter = meter("groundplan");
    let label = move || KeyValue::new("schema", schema);
    let connections = pool.clone();
    meter
        .u64_observable_gauge("groundplan.pool.connections")
        .with_description("Connections to PostgreSQL, idle and in use")
        .with_callback(move |gauge| {
            let state = connections.state();
            let used = state.connections.saturating_sub(state.idle_connections);
            gauge.observe(state.idle_connections.into(), &[label(), KeyValue::new("state", "idle")]);
            gauge.observe(used.into(), &[label(), KeyValue::new("state", "used")]);
        })
        .build();
    let counter = |name: &'static str, description: &'static str, read: fn(&bb8::Statistics) -> u64| {
        let pool = pool.clone();
        let builder = meter.u64_observable_counter(name).with_description(description);
        builder.with_callback(move |counter| counter.observe(read(&pool.state().statistics), &[label()])).build();
    };
    counter("groundplan.pool.waits", "Leases that had to wait for a connection", |statistics| statistics.get_waited);
    counter("groundplan.pool.timeouts", "Leases that got no connection in time", |statistics| statistics.get_timed_out);
    let waited = pool.clone();
    meter
        .f64_observable_counter("groundplan.pool.wait.duration")
        .with_description("How long leases have waited for connections, all together")
        .with_unit("s")
        .with_callback(move |counter| {
            counter.observe(waited.state().statistics.get_wait_time.as_secs_f64(), &[label()])
        })
        .build();
}

/// Opens connections and detects lost ones.
pub(super) struct Manager {
    target: Arc<ConnectionTarget>,
    health: ConnectionHealth,
}

impl ManageConnection for Manager {
    type Connection = PooledSession;
    type Error = Error;

    async fn connect(&self) -> Result<PooledSession, Error> {
        let connected = self.open().await;
        self.health.0.is_unreachable.send_replace(connected.is_err());
        connected
    }

    async fn is_valid(&self, session: &mut PooledSession) -> Result<(), Error> {
        match session.is_broken() {
            true => Err(Error::new(Reason::DatabaseUnavailable, "the server has closed the connection")),
            false => Ok(()),
        }
    }

    fn has_broken(&self, session: &mut PooledSession) -> bool {
        session.is_broken() || Instant::now() >= session.expires
    }
}

impl Manager {
    /// Opens a connection and sets it up.
    async fn open(&self) -> Result<PooledSession, Error> {
        let (client, connection) = self.target.connect_raw().await?;
        let unusable = |cause: Box<dyn std::error::Error + Send + Sync>| {
            Error::new(Reason::DatabaseUnavailable, "a new connection could not be set up").caused_by(cause)
        };
        let mut connection = AsyncPgConnection::try_from_client_and_connection(client, connection)
            .await
            .map_err(|error| unusable(error.into()))?;
        let sql = Sql::new("SELECT pg_backend_pid(), current_setting('lc_messages')");
        let answer = rows(&mut connection, &sql, &[]).await.map_err(|error| unusable(error.into()))?;
        let row = answer.first().ok_or_else(|| unusable("the server returns no information about itself".into()))?;
        let process = row.i32(0).map_err(|error| unusable(error.into()))?;
        let process = process.ok_or_else(|| unusable("the server does not return its process id".into()))?;
        let language = row.text(1).map_err(|error| unusable(error.into()))?;
        if !is_english(&language.unwrap_or_default()) {
            // If this is rejected, the process has logged a warning at its start.
            let _ = connection.batch_execute(SET_ENGLISH_MESSAGES).await;
        }
        let connection_lost = Arc::new(AtomicBool::new(false));
        connection.set_instrumentation(watch_for_lost_connection(Arc::clone(&connection_lost)));
        Ok(PooledSession { connection, process, connection_lost, expires: Instant::now() + lifetime(), discard: false })
    }
}

impl PooledSession {
    fn is_broken(&mut self) -> bool {
        self.discard
            || self.connection_lost.load(Ordering::Relaxed)
            || std::thread::panicking()
            || self.connection.is_broken()
    }
}

/// Returns the lifetime of a connection: a random value between two thirds of the maximum and the maximum, so that connections
/// opened together do not expire together.
fn lifetime() -> Duration {
    MAX_CONNECTION_LIFETIME.mul_f64((2.0 + rand::random::<f64>()) / 3.0)
}

/// Watches errors for those that mean a lost connection.
fn watch_for_lost_connection(connection_lost: Arc<AtomicBool>) -> impl Instrumentation {
    move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::FinishQuery { error: Some(error), .. } = event
            && is_connection_lost(error)
        {
            connection_lost.store(true, Ordering::Relaxed);
        }
    }
}

/// The state of the connections to a database.
#[derive(Clone, Debug, Default)]
struct ConnectionHealth(Arc<HealthState>);

#[derive(Debug, Default)]
struct HealthState {
    /// The last reason why a connection could not be opened or was lost, and when.
    last: Mutex<Option<(Instant, String)>>,
    /// Whether the last attempt to connect has failed.
    is_unreachable: watch::Sender<bool>,
}

impl ConnectionHealth {
    fn is_unreachable(&self) -> bool {
        *self.0.is_unreachable.borrow()
    }

    /// Waits until the database is unreachable and no connection is left.
    async fn until_unreachable(&self, pool: &bb8::Pool<Manager>) {
        let mut is_unreachable = self.0.is_unreachable.subscribe();
        // The sender lives in `self`, so the channel is open.
        while is_unreachable.wait_for(|is_unreachable| *is_unreachable).await.is_ok() && pool.state().connections > 0 {
            sleep(POLL_INTERVAL).await;
        }
    }

    /// Returns the last reason, if it is not older than `age`.
    fn recent_error(&self, age: Duration) -> Option<String> {
        let last = self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().filter(|(at, _)| at.elapsed() <= age).map(|(_, reason)| reason.clone())
    }
}

impl ErrorSink<Error> for ConnectionHealth {
    fn sink(&self, error: Error) {
        tracing::warn!(error = error.log_text(), "a connection to the database is lost or cannot be opened");
        *self.0.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), error.log_text()));
    }

    fn boxed_clone(&self) -> Box<dyn ErrorSink<Error>> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_CONNECTION_LIFETIME, lifetime};

    #[test]
    fn connections_do_not_expire_together() {
        let lifetimes: Vec<_> = (0..8).map(|_| lifetime()).collect();
        assert!(
            lifetimes
                .iter()
                .all(|&lifetime| lifetime <= MAX_CONNECTION_LIFETIME && lifetime >= MAX_CONNECTION_LIFETIME / 2)
        );
        assert!(lifetimes.iter().any(|lifetime| *lifetime != lifetimes[0]));
    }
}
