//! The hub reads each change from the log once, and delivers it to the watchers that it matters to.

use super::Subscription;
use super::buffer::{Buffer, End};
use super::committed::Committed;
use super::compiled_subscription::CompiledSubscription;
use super::context::Context;
use super::decoded::Decoded;
use super::delivery::Delivery;
use super::groups::Groups;
use super::memory::hold_relieving;
use groundplan_budget::Held;
use groundplan_chassis::single_flight::SingleFlight;
use groundplan_error::{Error, Reason};
use groundplan_eventlog::{Cursor, Event, Progress, ResumePoint};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

/// The pause after the log could not be read.
const AGAIN: Duration = Duration::from_millis(200);

/// The maximum number of watchers that read pages of records at the same time.
const READERS: usize = 4;

/// The maximum number of watchers that evaluate filters outside the hub at the same time.
const EVALUATORS: usize = 2;

/// The hub of a process.
pub(crate) struct Hub {
    pub(crate) context: Context,
    state: Mutex<State>,
    numbers: AtomicU64,
    /// All watchers of the process, including those that have not joined the hub yet.
    watchers: AtomicUsize,
    /// The committed state, shared by watches that start at the same time.
    committed: SingleFlight<Committed>,
    /// The permits to read pages of records.
    readers: Semaphore,
    /// The permits to evaluate filters outside the hub.
    pub(crate) evaluators: Semaphore,
}

#[derive(Default)]
struct State {
    /// Everything up to here was delivered to the groups. `None` until the log knows its position.
    at: Option<Progress>,
    /// The end of the events that are being delivered. A watcher must have seen all of them to join.
    joins_at: Option<Cursor>,
    groups: Groups,
}

/// The membership of a watcher in the hub. Dropping it removes the watcher.
pub(crate) struct Membership {
    hub: Arc<Hub>,
    subscription: Arc<Subscription>,
    number: u64,
    pub(crate) buffer: Arc<Buffer>,
}

/// A watcher that counts towards the limit, until this is dropped.
pub(crate) struct Counted(Arc<Hub>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.watchers.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.hub.state().groups.leave(&self.subscription, self.number);
    }
}

impl Hub {
    /// Creates a hub that has not read anything yet.
    pub(crate) fn new(context: Context) -> Arc<Self> {
        Arc::new(Self {
            context,
            state: Mutex::default(),
            numbers: AtomicU64::default(),
            watchers: AtomicUsize::default(),
            committed: SingleFlight::default(),
            readers: Semaphore::new(READERS),
            evaluators: Semaphore::new(EVALUATORS),
        })
    }

    /// Returns the number of watchers.
    pub(crate) fn watchers(&self) -> usize {
        self.watchers.load(Ordering::Relaxed)
    }

    /// Counts a watcher.
    ///
    /// # Errors
    /// `RATE_LIMITED` if the process has reached the limit.
    pub(crate) fn count(self: &Arc<Self>) -> Result<Counted, Error> {
        let most = self.context.max_watches;
        let before = self.watchers.fetch_add(1, Ordering::Relaxed);
        let counted = Counted(self.clone());
        if before >= most {
            let message =
                format!("this process serves {most} watches already; try another one, or raise GROUNDPLAN_MAX_WATCHES");
            return Err(Error::new(Reason::RateLimited, message).retry_after(Duration::from_secs(5)));
        }
        Ok(counted)
    }

    /// Returns the committed state, which is not older than the call.
    pub(crate) async fn committed(&self) -> Result<Committed, Error> {
        let busy = || {
            let message = "the database does not respond; try again";
            Error::new(Reason::DatabaseUnavailable, message).retry_after(AGAIN)
        };
        self.committed.run(async || Committed::now(&self.context.database).await, busy).await
    }

    /// Waits for a permit to read pages of records, so that many starting watches leave connections for other calls.
    pub(crate) async fn reader(&self) -> Result<SemaphorePermit<'_>, Error> {
        self.readers.acquire().await.map_err(Error::internal)
    }

    /// Holds memory for an event that a watcher is ready to take. Watchers with the most waiting bytes are disconnected to free
    /// it.
    pub(crate) async fn memory_to_write(&self, bytes: usize) -> Result<Held, Error> {
        hold_relieving(&self.context.memory, bytes, || self.relieve()).await
    }

    /// Disconnects the watchers with the most waiting bytes. Returns whether any bytes were waiting.
    pub(crate) fn relieve(&self) -> bool {
        self.state().groups.relieve()
    }

    /// Returns the position of the hub.
    pub(crate) fn at(&self) -> Option<Progress> {
        self.state().at
    }

    /// Lets a watcher join that has seen everything up to `seen` of the log with the progress `began`. Returns `None` if the hub
    /// has advanced further, or follows another log.
    pub(crate) fn join(
        self: &Arc<Self>,
        compiled: &Arc<CompiledSubscription>,
        began: &Progress,
        seen: ResumePoint,
    ) -> Option<Membership> {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let subscription = compiled.subscription.clone();
        let buffer = Arc::new(Buffer::default());
        let mut state = self.state();
        let at = state.at.filter(|at| began.is_same_log(Some(*at)))?;
        if at.cursor().max(state.joins_at.unwrap_or(Cursor::START)) > seen.cursor {
            return None;
        }
        state.groups.join(compiled, number, buffer.clone());
        Some(Membership { hub: self.clone(), subscription, number, buffer })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Follows the log until the log stops.
    pub(crate) async fn run(self: &Arc<Self>) {
        let mut progress = self.context.log.watch();
        loop {
            let newest = *progress.borrow_and_update();
            if let Some(newest) = newest
                && let Err(error) = self.advance(newest).await
            {
                if error.reason() == Reason::PositionGone {
                    self.begin_again();
                    continue;
                }
                tracing::error!(error = error.log_text(), "the event log cannot be followed; trying again");
                sleep(AGAIN).await;
                continue;
            }
            if progress.changed().await.is_err() {
                return;
            }
        }
    }

    /// Disconnects all watchers and drops the position, so that the hub continues at the current position of the log.
    fn begin_again(&self) {
        let mut state = self.state();
        state.groups.end_all(&End::Gone);
        (state.at, state.joins_at) = (None, None);
    }

    /// Delivers all events up to the end of the log.
    async fn advance(self: &Arc<Self>, newest: Progress) -> Result<(), Error> {
        loop {
            let Some(cursor) = self.prepare(newest) else { return Ok(()) };
            let events = self.context.log.read(cursor).await?;
            if events.is_empty() {
                return Ok(());
            }
            self.give(events).await?;
        }
    }

    /// Returns the position to read from; `None` if there is nothing to read or no watcher.
    fn prepare(&self, newest: Progress) -> Option<Cursor> {
        let mut state = self.state();
        let at = match state.at {
            Some(at) if at.is_same_log(Some(newest)) => at,
            Some(_) => {
                state.groups.end_all(&End::Gone);
                newest
            }
            None => newest,
        };
        // Without watchers, the hub skips all events.
        let at = if state.groups.is_empty() { newest } else { at };
        state.at = Some(at);
        state.joins_at = None;
        (at.cursor() < newest.cursor()).then_some(at.cursor())
    }

    /// Delivers events to the groups on a thread for blocking work, because filters can take long. Filters are evaluated without
    /// the lock.
    async fn give(self: &Arc<Self>, events: Vec<Arc<Event>>) -> Result<(), Error> {
        let hub = self.clone();
        spawn_blocking(move || hub.give_now(&events)).await.map_err(Error::internal)
    }

    fn give_now(&self, events: &[Arc<Event>]) {
        let Some(last) = events.last() else { return };
        let Ok(served) = self.context.revisions.served() else {
            // Without a revision there are no groups.
            return self.advance_to(last);
        };
        {
            let mut state = self.state();
            state.groups.renew(&served);
            // A watcher that joins from here on has seen these events. Others read them from the log.
            state.joins_at = Some(last.at);
        }
        let limit = self.context.buffer_bytes;
        for event in events {
            // All subscriptions are of one revision, so that they share the decoded change. Groups of a later revision have
            // joined meanwhile, and have seen the event.
            let compiled = self.state().groups.compiled(&served, event);
            let mut decoded = None;
            for (number, compiled) in compiled {
                let seen = self.compare(event, &compiled, &mut decoded);
                self.state().groups.give(number, event, seen, limit);
            }
            self.advance_to(event);
        }
    }

    /// Moves the position to the end of a delivered event.
    fn advance_to(&self, event: &Event) {
        if let Some(at) = &mut self.state().at {
            at.at = event.resume_point();
        }
    }

    /// Returns the delivery of an event for a subscription. The first call decodes the event. If no memory is free, the watchers
    /// with the most waiting bytes are disconnected.
    fn compare(
        &self,
        event: &Event,
        compiled: &CompiledSubscription,
        decoded: &mut Option<Arc<Decoded>>,
    ) -> Result<Option<Delivery>, Error> {
        let mut compare = || {
            let Some(table) = compiled.table(&event.topic) else { return Ok(None) };
            if decoded.is_none() {
                *decoded = Some(Decoded::read(&self.context.memory, table, event)?);
            }
            decoded.as_ref().map_or(Ok(None), |decoded| compiled.compare(&self.context, event, decoded))
        };
        loop {
            match compare() {
                Err(error) if error.reason() == Reason::MemoryExhausted && self.relieve() => {}
                seen => return seen,
            }
        }
    }
}
