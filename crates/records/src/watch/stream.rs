//! A watch from its beginning to its end.

use super::catch_up::CatchUp;
use super::committed::Committed;
use super::event::mark;
use super::hub::{Counted, Membership};
use super::initial::Initial;
use super::lens::Lens;
use super::room::room_to_write;
use super::snapshots::Snapshots;
use super::{Begin, QUIET, Subject};
use crate::page_token::Origin;
use crate::state::Records;
use async_stream::try_stream;
use futures_util::{Stream, StreamExt as _};
use groundplan_chassis::spawn_scoped::spawn_scoped;
use groundplan_error::{Error, Reason};
use groundplan_eventlog::ResumePoint;
use groundplan_identity::Principal;
use groundplan_operations::{WatchEvent, WatchStream};
use groundplan_proto::watch::v1::EventKind;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

/// When a follower may come back to another process, or to this one when it has started again.
const COME_BACK: Duration = Duration::from_millis(200);

/// Before the hub is asked again to let a follower join.
const AGAIN: Duration = Duration::from_millis(1);

/// How often a follower that reads much of the log without finding anything is told how far it is: one whose calls break soon
/// would otherwise read the same again and again.
const PROGRESS: Duration = Duration::from_millis(250);

type Event = Arc<WatchEvent>;

/// Begins a watch. What can be refused is refused before the stream begins.
pub(crate) async fn watch(
    records: &Records,
    principal: &Principal,
    subject: Subject,
    begin: Begin,
) -> Result<WatchStream, Error> {
    let counted = records.hub().count(records)?;
    let served = records.served()?;
    let lens = Arc::new(Lens::compile(&served, &Arc::new(subject))?);
    let began = records.log().ready().await?;
    let at = match &begin {
        Begin::Behind(token) => records.log().open_token(lens.origin.as_bytes(), token).await?,
        Begin::Now | Begin::Initial { .. } => began.at,
    };
    if let Begin::Initial { allow_scan } = begin {
        let initial = Initial { records: records.clone(), principal: principal.clone(), lens: lens.clone() };
        for at in 0..lens.models.len() {
            initial.admit(at, allow_scan).await?;
        }
    }
    let snapshots = Snapshots::default();
    let catch_up = CatchUp {
        records: records.clone(),
        lens,
        began,
        at,
        is_whole: true,
        snapshots,
        has_tokens: begin.is_token(),
        ahead: None,
    };
    let follower = Follower { counted, principal: principal.clone(), begin, catch_up };
    Ok(follower.follow().boxed())
}

impl Begin {
    fn is_token(&self) -> bool {
        matches!(self, Self::Behind(_))
    }
}

/// One who watches.
struct Follower {
    counted: Counted,
    principal: Principal,
    begin: Begin,
    catch_up: CatchUp,
}

impl Follower {
    fn follow(self) -> impl Stream<Item = Result<Event, Error>> + Send {
        try_stream! {
            let Self { counted, principal, begin, catch_up } = self;
            // What is written takes memory until the client has taken it: then the next event is asked for.
            let records = catch_up.records.clone();
            // The beginning needs much more memory than the rest, and gives it back.
            let mut beginning = Box::pin(beginning(principal, begin, catch_up));
            let mut catch_up = None;
            while let Some(step) = beginning.next().await {
                match step? {
                    Step::Event(event) => {
                        let _held = room_to_write(&records, event.bytes).await?;
                        yield event;
                    }
                    Step::Done(done) => catch_up = Some(done),
                }
            }
            drop(beginning);
            let catch_up = catch_up.ok_or_else(|| Error::internal("a watch has not begun"))?;
            let mut live = Box::pin(live(catch_up));
            while let Some(event) = live.next().await {
                let event = event?;
                let _held = room_to_write(&records, event.bytes).await?;
                yield event;
            }
            drop(counted);
        }
    }
}

/// A step of a beginning.
enum Step {
    Event(Event),
    /// It has ended: the follower is not far behind the hub.
    Done(Box<CatchUp>),
}

/// From the call to where the follower may join the hub.
fn beginning(
    principal: Principal,
    begin: Begin,
    mut catch_up: CatchUp,
) -> impl Stream<Item = Result<Step, Error>> + Send {
    try_stream! {
        let records = catch_up.records.clone();
        match &begin {
            Begin::Behind(_) => yield Step::Event(bookmark(&catch_up, EventKind::Bookmark)?),
            Begin::Now => see_nothing(&mut catch_up).await?,
            Begin::Initial { .. } => {
                let lens = catch_up.lens.clone();
                for (at, model) in lens.models.iter().enumerate() {
                    let mut after = None;
                    loop {
                        let initial = Initial { records: records.clone(), principal: principal.clone(), lens: lens.clone() };
                        let page = spawn_scoped(async move { initial.page(at, after.as_ref()).await }).await?;
                        catch_up.snapshots.add(&model.table.model.full_name, page.last_id, page.snapshot);
                        for event in page.events {
                            yield Step::Event(event);
                        }
                        after = page.next;
                        if after.is_none() {
                            break;
                        }
                    }
                }
                catch_up.snapshots.end_at(committed(&records).await?.position);
            }
        }
        let mut progress = records.log().watch();
        let mut quiet = Instant::now() + QUIET;
        while !catch_up.has_tokens {
            if catch_up.has_passed_snapshots() {
                catch_up.has_tokens = true;
                let kind = if begin == Begin::Now { EventKind::Bookmark } else { EventKind::Synced };
                yield Step::Event(bookmark(&catch_up, kind)?);
                break;
            }
            progress.borrow_and_update();
            match catch_up.step().await? {
                Some(deliveries) => {
                    for delivery in deliveries {
                        yield Step::Event(delivery.event);
                    }
                }
                // What is committed comes as soon as those before it have ended.
                None => {
                    tokio::select! {
                        _ = progress.changed() => {}
                        () = sleep_until(quiet) => {}
                        () = records.stop().cancelled() => {}
                    }
                }
            }
            if Instant::now() >= quiet {
                // There is no token yet that leaves nothing out.
                yield Step::Event(mark(EventKind::Bookmark, String::new()));
                quiet = Instant::now() + QUIET;
            }
        }
        yield Step::Done(Box::new(catch_up));
    }
}

/// What is committed, for all who ask together: none of them is waited for.
async fn committed(records: &Records) -> Result<Committed, Error> {
    let records = records.clone();
    spawn_scoped(async move { records.hub().committed(&records).await }).await
}

/// Notes by a snapshot what was committed before the call.
async fn see_nothing(catch_up: &mut CatchUp) -> Result<(), Error> {
    let Committed { snapshot, position } = committed(&catch_up.records).await?;
    for model in &catch_up.lens.models {
        catch_up.snapshots.add(&model.table.model.full_name, String::new(), snapshot.clone());
    }
    catch_up.snapshots.end_at(position);
    Ok(())
}

/// From where the beginning has ended: reads on until the follower is where the hub is, and is served by it from then on.
fn live(catch_up: Box<CatchUp>) -> impl Stream<Item = Result<Event, Error>> + Send {
    try_stream! {
        let mut catch_up = catch_up;
        let mut told_at = Instant::now();
        let membership = loop {
            match catch_up.step().await? {
                Some(deliveries) => {
                    if deliveries.is_empty() && told_at.elapsed() >= PROGRESS {
                        yield bookmark(&catch_up, EventKind::Bookmark)?;
                        told_at = Instant::now();
                    }
                    for delivery in deliveries {
                        yield delivery.event;
                        told_at = Instant::now();
                    }
                }
                None => {
                    let hub = catch_up.records.hub();
                    if let Some(membership) = hub.join(&catch_up) {
                        break membership;
                    }
                    // The hub is a little further, or has only just begun.
                    sleep(AGAIN).await;
                }
            }
        };
        let mut member = Member { seen: catch_up.at, records: catch_up.records.clone(), origin: catch_up.lens.origin.clone(), membership };
        drop(catch_up);
        let stop = member.records.stop().clone();
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
    records: Records,
    /// Not the whole lens, which would keep its revision in memory for as long as the watch lasts.
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
                () = self.records.stop().cancelled() => return None,
            }
        }
    }

    /// A bookmark: behind what the hub has given, if nothing of it is waiting.
    fn bookmark(&mut self) -> Result<Event, Error> {
        if let Some(at) = self.records.hub().at()
            && self.membership.buffer.is_empty()
        {
            self.seen = self.seen.max(at.at);
        }
        let token = self.records.log().seal_token(self.origin.as_bytes(), self.seen)?;
        Ok(mark(EventKind::Bookmark, token))
    }
}

/// The end of a watch because the server stops.
pub(super) fn stopping() -> Error {
    Error::new(Reason::NotReady, "the server is stopping; go on with the last token").retry_after(COME_BACK)
}

fn bookmark(catch_up: &CatchUp, kind: EventKind) -> Result<Event, Error> {
    let token = catch_up.records.log().seal_token(catch_up.lens.origin.as_bytes(), catch_up.at)?;
    Ok(mark(kind, token))
}
