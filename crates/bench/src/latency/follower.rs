//! Measures when each change is received.

use super::clock::Clock;
use crate::client::Entities;
use crate::output::Failure;
use crate::stubs::{WatchEntitiesRequest, WatchEntitiesResponse};
use groundplan_proto::watch::v1::{EventKind, Start};
use std::sync::Arc;
use tonic::Streaming;

/// Starts a watch, and waits for its first event, which must be a BOOKMARK.
pub(super) async fn begin(client: &mut Entities, filter: String) -> Result<Streaming<WatchEntitiesResponse>, Failure> {
    let request = WatchEntitiesRequest { filter, start: Start::Now.into(), ..WatchEntitiesRequest::default() };
    let mut events = client.watch_entities(request).await?.into_inner();
    match events.message().await? {
        Some(first) if first.kind() == EventKind::Bookmark => Ok(events),
        first => Err(Failure::new(format!("a watch must begin with a BOOKMARK, and not with {first:?}"))),
    }
}

/// Watches until the clock is stopped. Returns the number of each received change, with the time of its receipt in
/// nanoseconds since the start.
pub(super) async fn follow(
    mut events: Streaming<WatchEntitiesResponse>,
    clock: Arc<Clock>,
) -> Result<Vec<(u64, u64)>, Failure> {
    let mut receipts = Vec::new();
    loop {
        let event = tokio::select! {
            event = events.message() => event?,
            () = clock.stopped() => return Ok(receipts),
        };
        let now = clock.now();
        let Some(event) = event else { return Err(Failure::new("a watch has ended")) };
        match (event.kind(), event.entity) {
            (EventKind::Updated, Some(entity)) => receipts.push((number(entity.field2), now)),
            (EventKind::Bookmark, _) => {}
            (kind, entity) => {
                return Err(Failure::new(format!("{} of {entity:?} must not come here", kind.as_str_name())));
            }
        }
    }
}

/// Returns the number of a change, which the record holds in `field2`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the writers write whole numbers")]
fn number(field: f64) -> u64 {
    field as u64
}
