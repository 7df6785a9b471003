//! A service's event log, as one process sees it.

mod token;

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
use groundplan_chassis::apart::apart;
use groundplan_chassis::database::{Bind, Columns as _, Database, Sql, execute, refusal, rows};
use groundplan_chassis::seal::{KEY_BYTES, Sealer};
use groundplan_error::{Error, Reason};
use rand::Rng as _;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::timeout;
use uuid::Uuid;

/// How long a follower may wait for a tail that has not found its place yet.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many followers read the database at once.
const READERS: usize = 4;

/// A handle to the log of a service. Clones share everything.
#[derive(Clone, Debug)]
pub struct Log(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    database: Database,
    settings: Settings,
    sealer: Sealer,
    wake: Wake,
    /// Partitions are wanted at once.
    maintenance: Notify,
    status: Arc<Status>,
    ring: Mutex<Ring>,
    /// None until the tail has found its place.
    progress: watch::Sender<Option<Progress>>,
    /// Followers that read the database wait for each other: a herd of them must not keep writers from a connection.
    readers: Semaphore,
}

/// How far the process's tail is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What the tail's connection leads to.
    pub(crate) server: Server,
    /// Counts the logs that the process has found in the database: a restored one is another one.
    pub(crate) generation: u64,
    /// Everything up to it was given.
    pub at: ResumePoint,
}

impl Progress {
    /// Everything up to it was given.
    pub fn cursor(&self) -> Cursor {
        self.at.cursor
    }

    /// Whether the log is the same as it was later.
    pub fn is_same_log(&self, later: Option<Self>) -> bool {
        later.is_some_and(|later| later.generation == self.generation)
    }
}

impl Log {
    /// Opens the log on a database that has [`crate::MIGRATIONS`]. It can be appended to at once; [`Log::spawn`] makes it
    /// possible to follow it.
    pub async fn open(database: Database, settings: Settings) -> Result<Self, Error> {
        partitions::log_partitions(settings.retention).prepare(&database).await?;
        let mut lease = database.lease().await?;
        let key = lease.run(ensure_token_key).await.map_err(refusal)?;
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

    /// Says that this process has committed an append.
    pub fn appended(&self) {
        self.0.wake.appended_here();
    }

    /// Has the partitions looked after now: an append found none for it.
    pub fn partition_missing(&self) {
        self.0.maintenance.notify_one();
    }

    /// How far the tail is; none before it has found its place.
    pub fn progress(&self) -> Option<Progress> {
        *self.0.progress.borrow()
    }

    /// How far the tail is, and when it is further.
    pub fn watch(&self) -> watch::Receiver<Option<Progress>> {
        self.0.progress.subscribe()
    }

    /// How far the tail is, once it has found its place.
    pub async fn ready(&self) -> Result<Progress, Error> {
        let mut progress = self.watch();
        let found = timeout(PATIENCE, progress.wait_for(Option::is_some)).await;
        let found = found.ok().and_then(|found| found.ok().and_then(|progress| *progress));
        found.ok_or_else(|| {
            let message = "the event log cannot be followed yet: its end is not known; try again";
            Error::new(Reason::NotReady, message).retry_after(Duration::from_secs(1))
        })
    }

    /// The newest position that was drawn.
    pub async fn newest(&self) -> Result<i64, Error> {
        let mut lease = self.0.database.lease().await?;
        lease.run(async |connection| crate::watermark::newest(connection).await).await.map_err(refusal)
    }

    /// Some of the events behind a place that the tail has come past already, in order, without a gap; none at the tail's
    /// place. From memory if they are still there, else from the database. OUT_OF_RANGE if they are in neither.
    pub async fn read(&self, after: Cursor) -> Result<Vec<Arc<Event>>, Error> {
        let progress = match self.memory_or_progress(after) {
            Ok(events) => return Ok(events),
            Err(progress) => progress,
        };
        let log = self.clone();
        apart(async move { log.read_database(after, progress).await }).await
    }

    /// What [`Log::read`] gives, if it is in memory, where all followers share it.
    pub fn read_memory(&self, after: Cursor) -> Option<Vec<Arc<Event>>> {
        self.memory_or_progress(after).ok()
    }

    /// The same, or how far the tail is.
    fn memory_or_progress(&self, after: Cursor) -> Result<Vec<Arc<Event>>, Progress> {
        // Both are of the same log, even if the log starts again at this moment.
        let ring = self.ring();
        let Some(progress) = self.progress().filter(|progress| after < progress.cursor()) else {
            return Ok(Vec::new());
        };
        ring.read(after).ok_or(progress)
    }

    /// Events between two places, from the database.
    async fn read_database(&self, after: Cursor, progress: Progress) -> Result<Vec<Arc<Event>>, Error> {
        let _reader = self.0.readers.acquire().await.map_err(Error::internal)?;
        let mut lease = self.0.database.lease().await?;
        let work = async |connection: &mut AsyncPgConnection| {
            let found = read(connection, after, progress.cursor().position).await?;
            // Written before anything is dropped: a partition that this read has missed is noticed.
            let dropped = dropped_through(connection).await?;
            // The pool may lead to another database before the tail does.
            QueryResult::Ok((found.events, dropped, Server::identify(connection).await?))
        };
        let (mut events, dropped, server) = lease.run(work).await.map_err(refusal)?;
        if server != progress.server {
            return Err(server_changed());
        }
        if after.position < dropped {
            return Err(self.position_dropped());
        }
        // The last position may have parts that the tail has not given yet.
        events.retain(|event| event.at <= progress.cursor());
        Ok(events.into_iter().map(Arc::new).collect())
    }

    /// Whether a connection leads to the server that the tail reads, so that what was read of the log fits what the
    /// connection reads.
    pub async fn is_on(&self, connection: &mut AsyncPgConnection) -> QueryResult<bool> {
        let server = Server::identify(connection).await?;
        Ok(self.progress().is_some_and(|progress| progress.server == server))
    }

    /// The last event at or before a place, if the events around it are in memory.
    pub(crate) fn last_event_in_memory(&self, cursor: Cursor) -> Option<EventIdentity> {
        let ring = self.ring();
        let progress = self.progress()?;
        if cursor <= progress.cursor() { ring.last_event(cursor) } else { None }
    }

    /// The log around a place, from the database.
    pub(crate) async fn position_context(&self, cursor: Cursor) -> Result<PositionContext, Error> {
        let _reader = self.0.readers.acquire().await.map_err(Error::internal)?;
        let mut lease = self.0.database.lease().await?;
        lease.run(async |connection| PositionContext::read(connection, cursor).await).await.map_err(refusal)
    }

    /// The refusal of a place whose events are dropped.
    fn position_dropped(&self) -> Error {
        let hours = self.0.settings.retention.as_secs() / 3_600;
        let message = format!("the token is older than the event log, which keeps {hours} hours; begin again");
        Error::new(Reason::PositionGone, message)
    }

    /// The database that the log is in.
    pub fn database(&self) -> &Database {
        &self.0.database
    }

    /// How the tail is doing.
    pub fn status(&self) -> &Status {
        &self.0.status
    }

    /// What wakes the tail.
    pub(crate) fn wake(&self) -> &Wake {
        &self.0.wake
    }

    /// How long events are kept.
    pub(crate) fn retention(&self) -> Duration {
        self.0.settings.retention
    }

    /// Waits until an append has found no partition.
    pub(crate) async fn maintenance_wanted(&self) {
        self.0.maintenance.notified().await;
    }

    /// Waits until there may be something to read.
    pub(crate) async fn wait(&self) {
        self.0.wake.wait(self.0.settings.poll).await;
    }

    /// Starts again at a position.
    pub(crate) fn restart(&self, progress: Progress) {
        let mut kept = self.ring();
        *kept = Ring::new(progress.cursor());
        self.0.progress.send_replace(Some(progress));
    }

    /// The tail has connected again, and has found the log that it was.
    pub(crate) fn reconnected(&self, server: Server) {
        self.0.progress.send_if_modified(|progress| {
            let Some(progress) = progress else { return false };
            progress.server = server;
            true
        });
    }

    /// Gives events to all followers.
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

/// The refusal of a read on a server that the tail has not found yet.
fn server_changed() -> Error {
    let message = "the database was started again or replaced, and the event log is being found again; try again";
    Error::new(Reason::NotReady, message).retry_after(Duration::from_secs(1))
}

/// The refusal of a place in a log that is another one now.
pub(crate) fn log_replaced() -> Error {
    Error::new(Reason::PositionGone, "the event log is another one now; begin again")
}

/// Makes the log's row, if it is not there, and gives the key of its tokens.
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
