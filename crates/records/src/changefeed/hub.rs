//! The hub: takes each change from the log once, and gives every follower what matters to it.

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

/// Before the log is read again after it could not be.
const AGAIN: Duration = Duration::from_millis(200);

/// How many followers read pages of records at once.
const READERS: usize = 4;

/// How many followers evaluate filters by themselves at once.
const EVALUATORS: usize = 2;

/// The hub of a process.
pub(crate) struct Hub {
    pub(crate) context: Context,
    state: Mutex<State>,
    numbers: AtomicU64,
    /// All followers of the process, those that are not with the hub yet among them.
    followers: AtomicUsize,
    /// What is committed, for all who begin together.
    committed: SingleFlight<Committed>,
    /// KeyedMutex to read pages of records.
    readers: Semaphore,
    /// KeyedMutex to evaluate filters beside the hub.
    pub(crate) evaluators: Semaphore,
}

#[derive(Default)]
struct State {
    /// Everything up to here was given to the groups. None before the log has found its place.
    at: Option<Progress>,
    /// The end of what is being given: followers that have seen less cannot join before it was.
    joins_at: Option<Cursor>,
    groups: Groups,
}

/// A follower's place in the hub. It ends when it is dropped.
pub(crate) struct Membership {
    hub: Arc<Hub>,
    subscription: Arc<Subscription>,
    number: u64,
    pub(crate) buffer: Arc<Buffer>,
}

/// A follower that is counted. It ends when it is dropped.
pub(crate) struct Counted(Arc<Hub>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.followers.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.hub.state().groups.leave(&self.subscription, self.number);
    }
}

impl Hub {
    /// A hub that has not read anything yet.
    pub(crate) fn new(context: Context) -> Arc<Self> {
        Arc::new(Self {
            context,
            state: Mutex::default(),
            numbers: AtomicU64::default(),
            followers: AtomicUsize::default(),
            committed: SingleFlight::default(),
            readers: Semaphore::new(READERS),
            evaluators: Semaphore::new(EVALUATORS),
        })
    }

    /// How many followers there are.
    pub(crate) fn followers(&self) -> usize {
        self.followers.load(Ordering::Relaxed)
    }

    /// Counts a follower, if there is room for one.
    pub(crate) fn count(self: &Arc<Self>) -> Result<Counted, Error> {
        let most = self.context.max_watches;
        let before = self.followers.fetch_add(1, Ordering::Relaxed);
        let counted = Counted(self.clone());
        if before >= most {
            let message =
                format!("this process serves {most} watches already; try another one, or raise GROUNDPLAN_MAX_WATCHES");
            return Err(Error::new(Reason::RateLimited, message).retry_after(Duration::from_secs(5)));
        }
        Ok(counted)
    }

    /// What is committed, not longer ago than the call.
    pub(crate) async fn committed(&self) -> Result<Committed, Error> {
        let busy = || {
            let message = "the database does not respond; try again";
            Error::new(Reason::DatabaseUnavailable, message).retry_after(AGAIN)
        };
        self.committed.run(async || Committed::now(&self.context.database).await, busy).await
    }

    /// Takes a turn to read pages of records: a herd of followers must not keep others from a connection.
    pub(crate) async fn reader(&self) -> Result<SemaphorePermit<'_>, Error> {
        self.readers.acquire().await.map_err(Error::internal)
    }

    /// Holds memory for an event that a watcher is ready to take. Those with most waiting events are disconnected to free it.
    pub(crate) async fn memory_to_write(&self, bytes: usize) -> Result<Held, Error> {
        hold_relieving(&self.context.memory, bytes, || self.relieve()).await
    }

    /// Cuts off the followers for whom most waits; says whether anything was waiting.
    pub(crate) fn relieve(&self) -> bool {
        self.state().groups.relieve()
    }

    /// Where the hub is.
    pub(crate) fn at(&self) -> Option<Progress> {
        self.state().at
    }

    /// Lets a watcher join that has seen everything up to a point of the log that `began` was the progress of. Returns none if the
    /// hub is further.
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

    /// Follows the log, for ever.
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

    /// Begins where the log is by then: what the hub was to read next is dropped.
    fn begin_again(&self) {
        let mut state = self.state();
        state.groups.end_all(&End::Gone);
        (state.at, state.joins_at) = (None, None);
    }

    /// Takes the hub to where the log is.
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

    /// Where to read on, if there is something to read for somebody.
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
        // Without followers nothing is read.
        let at = if state.groups.is_empty() { newest } else { at };
        state.at = Some(at);
        state.joins_at = None;
        (at.cursor() < newest.cursor()).then_some(at.cursor())
    }

    /// Gives events to the groups that they matter to, on a thread of its own: filters may take long, and are evaluated while
    /// nobody waits for the hub.
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
            // Whoever joins from here on has seen these events, or reads them by itself.
            state.joins_at = Some(last.at);
        }
        let limit = self.context.buffer_bytes;
        for event in events {
            // All of one revision, so that they can share what is decoded. A group of a later one has joined meanwhile.
            let compiled = self.state().groups.compiled(&served, event);
            let mut decoded = None;
            for (number, compiled) in compiled {
                let seen = self.compare(event, &compiled, &mut decoded);
                self.state().groups.give(number, event, seen, limit);
            }
            self.advance_to(event);
        }
    }

    /// Everything up to an event was given.
    fn advance_to(&self, event: &Event) {
        if let Some(at) = &mut self.state().at {
            at.at = event.resume_point();
        }
    }

    /// What the followers of a compiled see of an event, which is decoded at the first call. Where no memory is free, those for
    /// whom most waits are cut off.
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
