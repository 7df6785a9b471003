//! The start of a watch: the matching records, if they are requested, and the log up to where a token can resume the watch.

use super::Begin;
use super::initial::Initial;
use crate::changefeed::{CatchUp, Committed, Hub, QUIET, mark};
use crate::state::Records;
use async_stream::try_stream;
use futures_util::Stream;
use groundplan_chassis::spawn_scoped::spawn_scoped;
use groundplan_error::Error;
use groundplan_identity::Principal;
use groundplan_operations::WatchEvent;
use groundplan_proto::watch::v1::EventKind;
use std::sync::Arc;
use tokio::time::{Instant, sleep_until};

type Event = Arc<WatchEvent>;

/// A step of the start of a watch.
pub(crate) enum Step {
    Event(Event),
    /// The start is complete, and the watcher is close to the hub.
    Done(Box<CatchUp>),
}

/// Streams the events from the call until the watcher can join the hub.
pub(crate) fn start(
    records: Records,
    principal: Principal,
    begin: Begin,
    mut catch_up: CatchUp,
) -> impl Stream<Item = Result<Step, Error>> + Send {
    try_stream! {
        let hub = catch_up.hub.clone();
        match &begin {
            Begin::After(_) => yield Step::Event(catch_up.bookmark(EventKind::Bookmark)?),
            Begin::Now => see_nothing(&mut catch_up).await?,
            Begin::Initial { .. } => {
                let compiled = catch_up.compiled.clone();
                for (at, model) in compiled.models.iter().enumerate() {
                    let mut after = None;
                    loop {
                        let initial = Initial { records: records.clone(), principal: principal.clone(), compiled: compiled.clone() };
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
                catch_up.snapshots.end_at(committed(&hub).await?.position);
            }
        }
        let mut progress = hub.context.log.watch();
        let mut quiet = Instant::now() + QUIET;
        while !catch_up.has_tokens {
            if catch_up.has_passed_snapshots() {
                catch_up.has_tokens = true;
                let kind = if begin == Begin::Now { EventKind::Bookmark } else { EventKind::Synced };
                yield Step::Event(catch_up.bookmark(kind)?);
                break;
            }
            progress.borrow_and_update();
            match catch_up.step().await? {
                Some(deliveries) => {
                    for delivery in deliveries {
                        yield Step::Event(delivery.event);
                    }
                }
                // Committed events can be read when the transactions before them have ended.
                None => {
                    tokio::select! {
                        _ = progress.changed() => {}
                        () = sleep_until(quiet) => {}
                        () = hub.context.stop.cancelled() => {}
                    }
                }
            }
            if Instant::now() >= quiet {
                // Any token would leave something out at this point.
                yield Step::Event(mark(EventKind::Bookmark, String::new()));
                quiet = Instant::now() + QUIET;
            }
        }
        yield Step::Done(Box::new(catch_up));
    }
}

/// Returns the committed state, which all concurrent callers share, in a task that progresses even if a caller is not polled.
async fn committed(hub: &Arc<Hub>) -> Result<Committed, Error> {
    let hub = hub.clone();
    spawn_scoped(async move { hub.committed().await }).await
}

/// Adds a snapshot of everything that was committed before the call.
async fn see_nothing(catch_up: &mut CatchUp) -> Result<(), Error> {
    let Committed { snapshot, position } = committed(&catch_up.hub).await?;
    for model in &catch_up.compiled.models {
        catch_up.snapshots.add(&model.table.model.full_name, String::new(), snapshot.clone());
    }
    catch_up.snapshots.end_at(position);
    Ok(())
}
