//! A watcher that has not reached the hub's position reads the log itself, as fast as it takes the events.

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

/// When a watcher can retry, with another process or with this one after its restart.
const COME_BACK: Duration = Duration::from_millis(200);

/// The maximum size of the decoded changes of one step in bytes, without the last change.
const MAX_STEP_BYTES: usize = 1 << 20;

/// The maximum time for which one step evaluates filters, without the last change.
const LONGEST_STEP: Duration = Duration::from_millis(50);

/// Events of a read that might matter to the watcher.
pub(crate) struct Ahead {
    events: VecDeque<Arc<Event>>,
    /// The last processed event.
    seen: Option<Arc<Event>>,
    /// The last event of the read.
    end: Arc<Event>,
    /// The memory of the events, unless the log holds it.
    _held: Option<Held>,
}

/// Processes events in order, until they reach a limit of the step.
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

/// A watcher that has not joined the hub yet.
pub(crate) struct CatchUp {
    pub(crate) hub: Arc<Hub>,
    pub(crate) compiled: Arc<CompiledSubscription>,
    /// The progress of the log when the watch started.
    pub(crate) began: Progress,
    /// The watcher has seen everything up to here.
    pub(crate) at: ResumePoint,
    /// Whether `at` is the end of a transaction. A large transaction takes several steps.
    pub(crate) is_whole: bool,
    /// The changes that the watcher has seen by reading records.
    pub(crate) snapshots: Snapshots,
    /// Whether tokens can resume the watch. They cannot until the watch has passed its snapshots.
    pub(crate) has_tokens: bool,
    /// The remaining events of the last read.
    pub(crate) ahead: Option<Ahead>,
}

impl CatchUp {
    /// Processes more events; `None` at the end of the log.
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

    /// Returns the remaining events of the last read, or those of another read; `None` at the end of the log.
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
        // The log might have been replaced since the last check.
        self.check()?;
        let Some(end) = events.last().cloned() else { return Ok(None) };
        let events = events.into_iter().filter(|event| {
            event.tenant == self.compiled.subscription.tenant
                && self.compiled.table(&event.topic).is_some()
                && !self.snapshots.contain(event)
        });
        Ok(Some(Ahead { events: events.collect(), seen: None, end, _held: held }))
    }

    /// Reports whether the watcher has passed all events in its snapshots, so that a token leaves nothing out.
    pub(crate) fn has_passed_snapshots(&self) -> bool {
        self.is_whole && self.snapshots.are_passed(self.at.cursor.position)
    }

    /// Returns an error if the log was replaced or the server is stopping.
    fn check(&self) -> Result<(), Error> {
        if self.hub.context.stop.is_cancelled() {
            return Err(stopping());
        }
        if !self.began.is_same_log(self.hub.context.log.progress()) {
            return Err(End::Gone.to_error());
        }
        Ok(())
    }

    /// Returns an event without a change. A watch that resumes after it misses nothing.
    pub(crate) fn bookmark(&self, kind: EventKind) -> Result<Arc<WatchEvent>, Error> {
        let token = self.hub.context.log.seal_token(self.compiled.origin.as_bytes(), self.at)?;
        Ok(mark(kind, token))
    }

    /// Recompiles the subscription if another revision is served.
    fn renew(&mut self) -> Result<(), Error> {
        let served = self.hub.context.revisions.served()?;
        if !Arc::ptr_eq(&self.compiled.served, &served) {
            self.compiled = Arc::new(CompiledSubscription::compile(&served, &self.compiled.subscription)?);
        }
        Ok(())
    }
}

/// Returns the error that ends a watch when the server stops.
pub(crate) fn stopping() -> Error {
    Error::new(Reason::NotReady, "the server is stopping; resume with the last token").retry_after(COME_BACK)
}
