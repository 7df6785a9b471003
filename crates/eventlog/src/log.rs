//! A service's event log in one process.

mod errors;
mod token;

pub(crate) use errors::log_replaced;
pub use token::MAX_TOKEN;

use crate::epoch::Server;
use crate::read::{dropped_through, read};
use crate::resume::{EventIdentity, PositionContext, ResumePoint};
use crate::ring::Ring;
use crate::status::{self, Status, now};
use crate::wake::Wake;
use crate::{Cursor, Event, Settings, partitions};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use errors::{position_dropped, server_changed};
use groundplan_chassis::database::{Bind, Columns as _, Database, Sql, database_error, execute, rows};
use groundplan_chassis::seal::{KEY_BYTES, Sealer};
use groundplan_chassis::spawn_scoped::spawn_scoped;
use groundplan_error::{Error, Reason};
use rand::Rng as _;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::timeout;
use uuid::Uuid;

/// How long a follower waits for a tail that does not know its position yet.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many followers can read the database at the same time.
const READERS: usize = 4;

/// A handle to the log of a service. Clones share one log.
#[derive(Clone, Debug)]
pub struct Log(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    database: Database,
    settings: Settings,
    sealer: Sealer,
    wake: Wake,
    /// Notified when partitions are needed immediately.
    maintenance: Notify,
    status: Arc<Status>,
    ring: Mutex<Ring>,
    /// `None` until the tail knows its position.
    progress: watch::Sender<Option<Progress>>,
    /// Limits concurrent database reads of followers, so that they leave connections for writers.
    readers: Semaphore,
}

/// The position of the process's tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The server that the tail is connected to.
    pub(crate) server: Server,
    /// Counts the logs that the process has seen in the database. A restored database has another log.
    pub(crate) generation: u64,
    /// The last delivered position.
    pub at: ResumePoint,
}

impl Progress {
    /// Returns the last delivered position.
    pub fn cursor(&self) -> Cursor {
        self.at.cursor
    }

    /// Whether `later` is about the same log.
    pub fn is_same_log(&self, later: Option<Self>) -> bool {
        later.is_some_and(|later| later.generation == self.generation)
    }
}

impl Log {
    /// Opens the log in a database that has run [`crate::MIGRATIONS`]. Appending works immediately; following requires
    /// [`Log::spawn`].
    pub async fn open(database: Database, settings: Settings) -> Result<Self, Error> {
        partitions::log_partitions(settings.retention).prepare(&database).await?;
        let mut lease = database.lease().await?;
        let key = lease.run(ensure_token_key).await.map_err(database_error)?;
        drop(lease);
        let status = Arc::new(Status::default());
        status::register_metrics(database.schema(), &status);
        Ok(Self(Arc::new(Shared {
            sealer: Sealer::new(&key)?,
            database,
            settings,
            wake: Wake::default(),
            maintenance: Notify::new(),
            status,
            ring: Mutex::new(Ring::new(Cursor::START)),
            progress: watch::Sender::new(None),
            readers: Semaphore::new(READERS),
        })))
    }

    /// Notifies the log that this process has committed an append.
    pub fn appended(&self) {
        self.0.wake.appended_here();
    }

    /// Requests maintenance now, because an append found no partition.
    pub fn partition_missing(&self) {
        self.0.maintenance.notify_one();
    }

    /// Returns the position of the tail, or `None` until it is known.
    pub fn progress(&self) -> Option<Progress> {
        *self.0.progress.borrow()
    }

    /// Subscribes to the position of the tail.
    pub fn watch(&self) -> watch::Receiver<Option<Progress>> {
        self.0.progress.subscribe()
    }

    /// Waits until the position of the tail is known.
    ///
    /// # Errors
    /// `NOT_READY` after 10 s.
    pub async fn ready(&self) -> Result<Progress, Error> {
        let mut progress = self.watch();
        let outcome = timeout(PATIENCE, progress.wait_for(Option::is_some)).await;
        let known = outcome.ok().and_then(|outcome| outcome.ok().and_then(|progress| *progress));
        known.ok_or_else(|| {
            let message = "the event log cannot be followed yet because its end is not known; try again";
            Error::new(Reason::NotReady, message).retry_after(Duration::from_secs(1))
        })
    }

    /// Returns the newest position that was drawn.
    pub async fn newest(&self) -> Result<i64, Error> {
        let mut lease = self.0.database.lease().await?;
        lease.run(async |connection| crate::watermark::newest(connection).await).await.map_err(database_error)
    }

    /// Returns some of the events after a position that the tail has passed, in order and without gaps; none at the tail's
    /// position. Reads from memory if possible, otherwise from the database.
    ///
    /// # Errors
    /// `POSITION_GONE` if the events were dropped.
    pub async fn read(&self, after: Cursor) -> Result<Vec<Arc<Event>>, Error> {
        let progress = match self.memory_or_progress(after) {
            Ok(events) => return Ok(events),
            Err(progress) => progress,
        };
        let log = self.clone();
        spawn_scoped(async move { log.read_database(after, progress).await }).await
    }

    /// Returns what [`Log::read`] would return, if it is in memory, where all followers share it.
    pub fn read_memory(&self, after: Cursor) -> Option<Vec<Arc<Event>>> {
        self.memory_or_progress(after).ok()
    }

    /// Like [`Log::read_memory`], but fails with the position of the tail.
    fn memory_or_progress(&self, after: Cursor) -> Result<Vec<Arc<Event>>, Progress> {
        // The lock makes ring and progress belong to the same log, even if the log restarts now.
        let ring = self.ring();
        let Some(progress) = self.progress().filter(|progress| after < progress.cursor()) else {
            return Ok(Vec::new());
        };
        ring.read(after).ok_or(progress)
    }

    /// Reads the events between two positions from the database.
    async fn read_database(&self, after: Cursor, progress: Progress) -> Result<Vec<Arc<Event>>, Error> {
        let _reader = self.0.readers.acquire().await.map_err(Error::internal)?;
        let mut lease = self.0.database.lease().await?;
        let work = async |connection: &mut AsyncPgConnection| {
            let read = read(connection, after, progress.cursor().position).await?;
            // `dropped_through` is written before a partition is dropped, so this notices a partition that the read missed.
            let dropped = dropped_through(connection).await?;
            // The pool might reach another database before the tail does.
            QueryResult::Ok((read.events, dropped, Server::identify(connection).await?))
        };
        let (mut events, dropped, server) = lease.run(work).await.map_err(database_error)?;
        if server != progress.server {
            return Err(server_changed());
        }
        if after.position < dropped {
            return Err(position_dropped(self.retention()));
        }
        // The last position might have parts that the tail has not delivered yet.
        events.retain(|event| event.at <= progress.cursor());
        Ok(events.into_iter().map(Arc::new).collect())
    }

    /// Whether a connection is to the server that the tail reads, so that both see the same log.
    pub async fn is_on(&self, connection: &mut AsyncPgConnection) -> QueryResult<bool> {
        let server = Server::identify(connection).await?;
        Ok(self.progress().is_some_and(|progress| progress.server == server))
    }

    /// Returns the last event at or before a position, if it is in memory.
    pub(crate) fn last_event_in_memory(&self, cursor: Cursor) -> Option<EventIdentity> {
        let ring = self.ring();
        let progress = self.progress()?;
        if cursor <= progress.cursor() { ring.last_event(cursor) } else { None }
    }

    /// Reads the log around a position from the database.
    pub(crate) async fn position_context(&self, cursor: Cursor) -> Result<PositionContext, Error> {
        let _reader = self.0.readers.acquire().await.map_err(Error::internal)?;
        let mut lease = self.0.database.lease().await?;
        lease.run(async |connection| PositionContext::read(connection, cursor).await).await.map_err(database_error)
    }

    /// Returns the database of the log.
    pub fn database(&self) -> &Database {
        &self.0.database
    }

    /// Returns the status of the tail.
    pub fn status(&self) -> &Status {
        &self.0.status
    }

    /// Returns what wakes the tail.
    pub(crate) fn wake(&self) -> &Wake {
        &self.0.wake
    }

    /// Returns the minimum time for which events are kept.
    pub(crate) fn retention(&self) -> Duration {
        self.0.settings.retention
    }

    /// Waits until an append finds no partition.
    pub(crate) async fn maintenance_wanted(&self) {
        self.0.maintenance.notified().await;
    }

    /// Waits until there might be new events.
    pub(crate) async fn wait(&self) {
        self.0.wake.wait(self.0.settings.poll).await;
    }

    /// Restarts the log at a position.
    pub(crate) fn restart(&self, progress: Progress) {
        let mut ring = self.ring();
        *ring = Ring::new(progress.cursor());
        self.0.progress.send_replace(Some(progress));
    }

    /// Records that the tail has reconnected to the same log.
    pub(crate) fn reconnected(&self, server: Server) {
        self.0.progress.send_if_modified(|progress| {
            let Some(progress) = progress else { return false };
            progress.server = server;
            true
        });
    }

    /// Delivers events to all followers.
    pub(crate) fn deliver(&self, events: Vec<Arc<Event>>) {
        let Some(last) = events.last().cloned() else { return };
        let status = self.status();
        status.latency.store(now().saturating_sub(last.appended_at).max(0), Ordering::Relaxed);
        status.delivered.store(last.at.position, Ordering::Relaxed);
        status.newest.fetch_max(last.at.position, Ordering::Relaxed);
        self.ring().extend(events);
        self.0.progress.send_if_modified(|progress| {
            let Some(progress) = progress else { return false };
            progress.at = last.resume_point();
            true
        });
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.0.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Creates the log's row if it is missing, and returns the key of its tokens.
async fn ensure_token_key(connection: &mut AsyncPgConnection) -> QueryResult<Vec<u8>> {
    let mut key = [0; KEY_BYTES];
    rand::rng().fill_bytes(&mut key);
    let insert = Sql::new("INSERT INTO event_log (identity, token_key) VALUES (?, ?) ON CONFLICT DO NOTHING");
    let binds = [Bind::uuid(Uuid::now_v7().into_bytes()), Bind::bytes(key.to_vec())];
    execute(connection, &insert, &binds).await?;
    let rows = rows(connection, &Sql::new("SELECT token_key FROM event_log"), &[]).await?;
    let key = rows.first().map(|row| row.bytes(0, |bytes| bytes.map(<[u8]>::to_vec))).transpose()?.flatten();
    key.ok_or(diesel::result::Error::NotFound)
}
