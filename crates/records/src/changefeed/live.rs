//! The events of a watch after its start.

use super::QUIET;
use super::catch_up::{CatchUp, stopping};
use super::event::mark;
use super::hub::{Hub, Membership};
use async_stream::try_stream;
use futures_util::Stream;
use groundplan_error::Error;
use groundplan_eventlog::ResumePoint;
use groundplan_operations::WatchEvent;
use groundplan_proto::watch::v1::EventKind;
use groundplan_query::page_token::Origin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

/// The pause before another attempt to join the hub.
const AGAIN: Duration = Duration::from_millis(1);

/// The interval of bookmarks while a watcher reads much of the log without matching changes. Without them, a watcher with short
/// calls would read the same events again each time.
const PROGRESS: Duration = Duration::from_millis(250);

type Event = Arc<WatchEvent>;

/// Streams the events after the start of a watch. The watcher reads the log until it reaches the hub, and then gets its events
/// from the hub.
pub(crate) fn live(catch_up: Box<CatchUp>) -> impl Stream<Item = Result<Event, Error>> + Send {
    try_stream! {
        let mut catch_up = catch_up;
        let mut told_at = Instant::now();
        let membership = loop {
            match catch_up.step().await? {
                Some(deliveries) => {
                    if deliveries.is_empty() && told_at.elapsed() >= PROGRESS {
                        yield catch_up.bookmark(EventKind::Bookmark)?;
                        told_at = Instant::now();
                    }
                    for delivery in deliveries {
                        yield delivery.event;
                        told_at = Instant::now();
                    }
                }
                None => {
                    if let Some(membership) = catch_up.hub.join(&catch_up.compiled, &catch_up.began, catch_up.at) {
                        break membership;
                    }
                    // The hub is slightly further, or has just started.
                    sleep(AGAIN).await;
                }
            }
        };
        let mut member = Member { seen: catch_up.at, hub: catch_up.hub.clone(), origin: catch_up.compiled.origin.clone(), membership };
        drop(catch_up);
        let stop = member.hub.context.stop.clone();
        loop {
            match member.next().await {
                Some(event) => yield event?,
                None => {
                    yield member.bookmark()?;
                    if stop.is_cancelled() {
                        Err(stopping())?;
                    }
                }
            }
        }
    }
}

/// A watcher that has joined the hub.
struct Member {
    seen: ResumePoint,
    hub: Arc<Hub>,
    /// Not the whole subscription, which would keep its compiled revision in memory during the watch.
    origin: Origin,
    membership: Membership,
}

impl Member {
    /// Waits for the next event; `None` if a bookmark is due or the server stops.
    async fn next(&mut self) -> Option<Result<Event, Error>> {
        let quiet = Instant::now() + QUIET;
        loop {
            match self.membership.buffer.take() {
                // The watcher had seen it before it joined.
                Ok(Some(delivery)) if delivery.at.cursor <= self.seen.cursor => continue,
                Ok(Some(delivery)) => {
                    self.seen = delivery.at;
                    return Some(Ok(delivery.event));
                }
                Ok(None) => {}
                Err(error) => return Some(Err(error)),
            }
            tokio::select! {
                () = self.membership.buffer.wait() => {}
                () = sleep_until(quiet) => return None,
                () = self.hub.context.stop.cancelled() => return None,
            }
        }
    }

    /// Returns a bookmark: after all events of the hub if none of them is waiting, or else after the last event of the watch.
    fn bookmark(&mut self) -> Result<Event, Error> {
        if let Some(at) = self.hub.at()
            && self.membership.buffer.is_empty()
        {
            self.seen = self.seen.max(at.at);
        }
        let token = self.hub.context.log.seal_token(self.origin.as_bytes(), self.seen)?;
        Ok(mark(EventKind::Bookmark, token))
    }
}
