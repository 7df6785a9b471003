//! The hub: takes each change from the log once, and gives every follower what matters to it.

use super::buffer::{Buffer, End};
use super::catch_up::CatchUp;
use super::lens::Lens;
use super::{Subject, event::Delivery};
use crate::change::Change;
use crate::service::Records;
use groundplan_error::{Error, Reason};
use groundplan_eventlog::{Cursor, Event, Log, Progress};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::sleep;

/// Before the log is read again after it could not be.
const AGAIN: Duration = Duration::from_millis(200);

/// The hub of a process.
#[derive(Default)]
pub(crate) struct Hub {
    state: Mutex<State>,
    numbers: AtomicU64,
    /// All followers of the process, those that are not with the hub yet among them.
    followers: AtomicUsize,
}

#[derive(Default)]
struct State {
    /// Everything up to here was given to the groups. None before the log has found its place.
    at: Option<Progress>,
    groups: HashMap<Arc<Subject>, Group>,
}

/// Followers that ask for the same.
struct Group {
    lens: Arc<Lens>,
    members: HashMap<u64, Arc<Buffer>>,
}

/// A follower's place in the hub. It ends when it is dropped.
pub(super) struct Membership {
    records: Records,
    subject: Arc<Subject>,
    number: u64,
    pub(super) buffer: Arc<Buffer>,
}

/// A follower that is counted. It ends when it is dropped.
pub(super) struct Counted(Records);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.hub().followers.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        let mut state = self.records.hub().state();
        if let Entry::Occupied(mut group) = state.groups.entry(self.subject.clone()) {
            group.get_mut().members.remove(&self.number);
            if group.get().members.is_empty() {
                group.remove();
            }
        }
    }
}

impl Hub {
    /// Counts a follower, if there is room for one.
    pub(super) fn count(&self, records: &Records) -> Result<Counted, Error> {
        let most = records.settings().max_watches;
        let before = self.followers.fetch_add(1, Ordering::Relaxed);
        let counted = Counted(records.clone());
        if before >= most {
            let message =
                format!("this process serves {most} watches already; try another one, or raise GROUNDPLAN_MAX_WATCHES");
            return Err(Error::new(Reason::RateLimited, message).retry_after(Duration::from_secs(5)));
        }
        Ok(counted)
    }

    /// Where the hub is.
    pub(super) fn at(&self) -> Option<Progress> {
        self.state().at
    }

    /// Lets a follower join that has seen everything up to a place; none if the hub is further.
    pub(super) fn join(&self, catch_up: &CatchUp) -> Option<Membership> {
        let CatchUp { records, lens, began, cursor: seen, .. } = catch_up;
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let subject = lens.subject.clone();
        let buffer = Arc::new(Buffer::default());
        let mut state = self.state();
        let at = state.at.filter(|at| began.is_same_log(Some(*at)))?;
        if at.cursor > *seen {
            return None;
        }
        let group = state.groups.entry(subject.clone());
        let group = group.or_insert_with(|| Group { lens: lens.clone(), members: HashMap::new() });
        group.members.insert(number, buffer.clone());
        Some(Membership { records: records.clone(), subject, number, buffer })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Follows the log, for ever.
    pub(crate) async fn run(&self, records: &Records) {
        let log = records.log();
        let mut progress = log.watch();
        loop {
            let newest = *progress.borrow_and_update();
            if let Some(newest) = newest
                && let Err(error) = self.advance(records, newest).await
            {
                tracing::error!(error = error.log_text(), "the event log cannot be followed; trying again");
                sleep(AGAIN).await;
                continue;
            }
            if progress.changed().await.is_err() {
                return;
            }
        }
    }

    /// Takes the hub to where the log is.
    async fn advance(&self, records: &Records, newest: Progress) -> Result<(), Error> {
        loop {
            let Some(cursor) = self.prepare(newest) else { return Ok(()) };
            let events = records.log().read(cursor).await?;
            if events.is_empty() {
                return Ok(());
            }
            self.give(records, &events);
        }
    }

    /// Where to read on, if there is something to read for somebody.
    fn prepare(&self, newest: Progress) -> Option<Cursor> {
        let mut state = self.state();
        let at = match state.at {
            Some(at) if at.is_same_log(Some(newest)) => at,
            Some(_) => {
                state.end_all(&End::Gone);
                newest
            }
            None => newest,
        };
        // Without followers nothing is read.
        let at = if state.groups.is_empty() { newest } else { at };
        state.at = Some(at);
        (at.cursor < newest.cursor).then_some(at.cursor)
    }

    /// Gives events to the groups that they matter to.
    fn give(&self, records: &Records, events: &[Arc<Event>]) {
        let log = records.log();
        let mut state = self.state();
        state.renew(records);
        let limit = records.settings().watch_buffer_bytes;
        for event in events {
            state.give_one(log, event, limit);
            if let Some(at) = &mut state.at {
                at.cursor = event.at;
            }
        }
    }
}

impl State {
    /// Compiles the groups anew when another revision is served: what they ask for means the same, of more fields.
    fn renew(&mut self, records: &Records) {
        let Ok(served) = records.served() else { return };
        self.groups.retain(|subject, group| {
            if Arc::ptr_eq(&group.lens.served, &served) {
                return true;
            }
            match Lens::compile(&served, subject) {
                Ok(lens) => group.lens = Arc::new(lens),
                Err(error) => {
                    let end = End::Changed(error.reason(), error.message().into_owned());
                    group.members.values().for_each(|member| member.end(end.clone()));
                    return false;
                }
            }
            true
        });
    }

    fn give_one(&self, log: &Log, event: &Event, limit: usize) {
        let of_tenant = self.groups.values().filter(|group| group.lens.subject.tenant == event.tenant);
        let mut decoded = None;
        for group in of_tenant {
            let Some(table) = group.lens.table(&event.topic) else { continue };
            // All lenses are of one revision, so that one reading is for all.
            let change = decoded.get_or_insert_with(|| Change::read(table, event));
            match change.as_ref().map(|change| group.lens.look(log, event, change)) {
                Ok(Ok(Some(delivery))) => group.give(&delivery, limit),
                Ok(Ok(None)) => {}
                Ok(Err(error)) => group.fail(event, error.log_text()),
                Err(error) => group.fail(event, error.log_text()),
            }
        }
    }

    fn end_all(&mut self, end: &End) {
        for (_, group) in self.groups.drain() {
            group.members.values().for_each(|member| member.end(end.clone()));
        }
    }
}

impl Group {
    fn give(&self, delivery: &Delivery, limit: usize) {
        for member in self.members.values() {
            member.push(delivery.clone(), limit);
        }
    }

    /// Ends the group: it must not go on without an event that may matter to it.
    fn fail(&self, event: &Event, error: String) {
        tracing::error!(
            error,
            topic = event.topic,
            position = event.at.position,
            "an event cannot be read: its followers are cut off"
        );
        let end = End::Changed(Reason::Internal, "an event cannot be read".to_owned());
        self.members.values().for_each(|member| member.end(end.clone()));
    }
}
