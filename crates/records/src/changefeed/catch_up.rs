//! A follower that is behind the hub reads the log by itself, as fast as it can take what it reads.

use super::buffer::End;
use super::compiled_subscription::CompiledSubscription;
use super::context::Context;
use super::decoded::Decoded;
use super::delivery::Delivery;
use super::event::mark;
use super::hub::Hub;
use super::memory::hold_when_free;
use super::snapshots::Snapshots;
use groundplan_budget::Held;
use groundplan_chassis::spawn_scoped::spawn_scoped;
use groundplan_error::{Error, Reason};
use groundplan_eventlog::{Event, MAX_READ_BYTES, Progress, ResumePoint};
use groundplan_operations::WatchEvent;
use groundplan_proto::watch::v1::EventKind;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::spawn_blocking;

/// When a follower may come back to another process, or to this one when it has started again.
const COME_BACK: Duration = Duration::from_millis(200);

/// The most bytes of decoded changes that one step gives, but for the last one.
const MAX_STEP_BYTES: usize = 1 << 20;

/// The longest time that one step evaluates filters, but for the last change.
const LONGEST_STEP: Duration = Duration::from_millis(50);

/// Events that were read and may matter to the follower.
pub(crate) struct Ahead {
    events: VecDeque<Arc<Event>>,
    /// The last one that was looked at.
    seen: Option<Arc<Event>>,
    /// The last one of the read.
    end: Arc<Event>,
    /// The memory that they take, unless they are in the log's.
    _held: Option<Held>,
}

/// Looks at some events, in their order.
fn look(context: &Context, compiled: &CompiledSubscription, ahead: &mut Ahead) -> Result<Vec<Delivery>, Error> {
    let began = Instant::now();
    let (mut deliveries, mut bytes) = (Vec::new(), 0);
    while let Some(event) = ahead.events.pop_front() {
        if let Some(table) = compiled.table(&event.topic) {
            let decoded = Decoded::read(&context.memory, table, &event)?;
            bytes += decoded.change.memory();
            deliveries.extend(compiled.compare(context, &event, &decoded)?);
        }
        ahead.seen = Some(event);
        if bytes >= MAX_STEP_BYTES || began.elapsed() >= LONGEST_STEP {
            break;
        }
    }
    Ok(deliveries)
}

/// A follower on its way to the hub.
pub(crate) struct CatchUp {
    pub(crate) hub: Arc<Hub>,
    pub(crate) compiled: Arc<CompiledSubscription>,
    /// The log as it was when the watch began.
    pub(crate) began: Progress,
    /// Everything up to here was seen.
    pub(crate) at: ResumePoint,
    /// Whether that is the end of a transaction: a large one comes in several steps.
    pub(crate) is_whole: bool,
    /// What was seen by reading records.
    pub(crate) snapshots: Snapshots,
    /// Whether a token would resume the watch. Before it has seen everything that its snapshots have, it would not.
    pub(crate) has_tokens: bool,
    /// What is left of the last read.
    pub(crate) ahead: Option<Ahead>,
}

impl CatchUp {
    /// Reads on; none if it is where the log is.
    pub(crate) async fn step(&mut self) -> Result<Option<Vec<Delivery>>, Error> {
        self.check()?;
        let Some(mut ahead) = self.ahead().await? else { return Ok(None) };
        self.renew()?;
        let (hub, compiled) = (self.hub.clone(), self.compiled.clone());
        let evaluating = spawn_scoped(async move {
            let running = hub.clone();
            let _evaluator = running.evaluators.acquire().await.map_err(Error::internal)?;
            let work = move || look(&hub.context, &compiled, &mut ahead).map(|deliveries| (deliveries, ahead));
            spawn_blocking(work).await.map_err(Error::internal)?
        });
        let (mut deliveries, ahead) = evaluating.await?;
        if !self.has_tokens {
            let events = deliveries.iter_mut().filter_map(|delivery| Arc::get_mut(&mut delivery.event));
            events.for_each(|event| event.token.clear());
        }
        (self.at, self.is_whole) = match &ahead.seen {
            Some(seen) if !ahead.events.is_empty() => (seen.resume_point(), seen.is_last),
            _ => (ahead.end.resume_point(), ahead.end.is_last),
        };
        self.ahead = Some(ahead).filter(|ahead| !ahead.events.is_empty());
        Ok(Some(deliveries))
    }

    /// What is to be looked at next: what is left of the last read, or of another one.
    async fn ahead(&mut self) -> Result<Option<Ahead>, Error> {
        if let Some(ahead) = self.ahead.take() {
            return Ok(Some(ahead));
        }
        let log = &self.hub.context.log;
        let (events, held) = match log.read_memory(self.at.cursor) {
            Some(events) => (events, None),
            None => {
                let most = usize::try_from(MAX_READ_BYTES).unwrap_or(usize::MAX);
                let mut held = hold_when_free(&self.hub.context.memory, most).await?;
                let events = log.read(self.at.cursor).await?;
                let bytes: usize = events.iter().map(|event| event.size()).sum();
                held.shrink(most.saturating_sub(bytes));
                (events, Some(held))
            }
        };
        // What was read is of the log that it was before.
        self.check()?;
        let Some(end) = events.last().cloned() else { return Ok(None) };
        let events = events.into_iter().filter(|event| {
            event.tenant == self.compiled.subscription.tenant
                && self.compiled.table(&event.topic).is_some()
                && !self.snapshots.contain(event)
        });
        Ok(Some(Ahead { events: events.collect(), seen: None, end, _held: held }))
    }

    /// Whether everything that the snapshots have seen is behind the follower, so that a token says all.
    pub(crate) fn has_passed_snapshots(&self) -> bool {
        self.is_whole && self.snapshots.are_passed(self.at.cursor.position)
    }

    /// Refuses to go on in another log, or while the server stops.
    fn check(&self) -> Result<(), Error> {
        if self.hub.context.stop.is_cancelled() {
            return Err(stopping());
        }
        if !self.began.is_same_log(self.hub.context.log.progress()) {
            return Err(End::Gone.to_error());
        }
        Ok(())
    }

    /// An event without a change: a watch that resumes after it misses nothing.
    pub(crate) fn bookmark(&self, kind: EventKind) -> Result<Arc<WatchEvent>, Error> {
        let token = self.hub.context.log.seal_token(self.compiled.origin.as_bytes(), self.at)?;
        Ok(mark(kind, token))
    }

    /// Goes on with the revision that is served.
    fn renew(&mut self) -> Result<(), Error> {
        let served = self.hub.context.revisions.served()?;
        if !Arc::ptr_eq(&self.compiled.served, &served) {
            self.compiled = Arc::new(CompiledSubscription::compile(&served, &self.compiled.subscription)?);
        }
        Ok(())
    }
}

/// The end of a watch because the server stops.
pub(crate) fn stopping() -> Error {
    Error::new(Reason::NotReady, "the server is stopping; resume with the last token").retry_after(COME_BACK)
}
