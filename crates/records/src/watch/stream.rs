//! A watch, from its start to its end.

use super::Begin;
use super::initial::Initial;
use super::start::{Step, start};
use crate::changefeed::{CatchUp, CompiledSubscription, Counted, Snapshots, Subscription, live};
use crate::state::Records;
use async_stream::try_stream;
use futures_util::{Stream, StreamExt as _};
use groundplan_error::Error;
use groundplan_identity::Principal;
use groundplan_operations::{WatchEvent, WatchStream};
use std::sync::Arc;

type Event = Arc<WatchEvent>;

/// Starts a watch. All checks of the request precede the stream.
pub(crate) async fn watch(
    records: &Records,
    principal: &Principal,
    subscription: Subscription,
    begin: Begin,
) -> Result<WatchStream, Error> {
    let counted = records.hub().count()?;
    let served = records.served()?;
    let compiled = Arc::new(CompiledSubscription::compile(&served, &Arc::new(subscription))?);
    let began = records.log().ready().await?;
    let at = match &begin {
        Begin::After(token) => records.log().open_token(compiled.origin.as_bytes(), token).await?,
        Begin::Now | Begin::Initial { .. } => began.at,
    };
    if let Begin::Initial { allow_scan } = begin {
        let initial = Initial { records: records.clone(), principal: principal.clone(), compiled: compiled.clone() };
        for at in 0..compiled.models.len() {
            initial.admit(at, allow_scan).await?;
        }
    }
    let snapshots = Snapshots::default();
    let catch_up = CatchUp {
        hub: records.hub().clone(),
        compiled,
        began,
        at,
        is_whole: true,
        snapshots,
        has_tokens: begin.is_token(),
        ahead: None,
    };
    let watcher = Watcher { counted, records: records.clone(), principal: principal.clone(), begin, catch_up };
    Ok(watcher.events().boxed())
}

/// A watcher.
struct Watcher {
    counted: Counted,
    records: Records,
    principal: Principal,
    begin: Begin,
    catch_up: CatchUp,
}

impl Watcher {
    fn events(self) -> impl Stream<Item = Result<Event, Error>> + Send {
        try_stream! {
            let Self { counted, records, principal, begin, catch_up } = self;
            // An event takes memory until the client has read it. Only then is the stream polled for the next one.
            let hub = catch_up.hub.clone();
            // The start needs much more memory than the rest, and releases it.
            let mut start = Box::pin(start(records, principal, begin, catch_up));
            let mut catch_up = None;
            while let Some(step) = start.next().await {
                match step? {
                    Step::Event(event) => {
                        let _held = hub.memory_to_write(event.bytes).await?;
                        yield event;
                    }
                    Step::Done(done) => catch_up = Some(done),
                }
            }
            drop(start);
            let catch_up = catch_up.ok_or_else(|| Error::internal("a watch has not started"))?;
            let mut live = Box::pin(live(catch_up));
            while let Some(event) = live.next().await {
                let event = event?;
                let _held = hub.memory_to_write(event.bytes).await?;
                yield event;
            }
            drop(counted);
        }
    }
}
