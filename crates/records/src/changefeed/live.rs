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

/// Before the hub is asked again to let a follower join.
const AGAIN: Duration = Duration::from_millis(1);

/// How often a follower that reads much of the log without finding anything is told how far it is: one whose calls break soon
/// would otherwise read the same again and again.
const PROGRESS: Duration = Duration::from_millis(250);

type Event = Arc<WatchEvent>;

/// The events after the start of a watch. The watcher reads the log until it has reached the hub, and then gets its events from the hub.
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
                    // The hub is a little further, or has only just begun.
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

/// A follower that the hub serves.
struct Member {
    seen: ResumePoint,
    hub: Arc<Hub>,
    /// Not the whole compiled, which would keep its revision in memory for as long as the watch lasts.
    origin: Origin,
    membership: Membership,
}

impl Member {
    /// Waits for the next event; none if it is time for a bookmark.
    async fn next(&mut self) -> Option<Result<Event, Error>> {
        let quiet = Instant::now() + QUIET;
        loop {
            match self.membership.buffer.take() {
                // It was seen before the follower has joined.
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

    /// A bookmark: behind what the hub has given, if nothing of it is waiting.
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
