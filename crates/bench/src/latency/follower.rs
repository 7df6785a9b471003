//! Notes when each change came.

use super::clock::Clock;
use crate::client::Entities;
use crate::output::Failure;
use crate::stubs::{WatchEntitiesRequest, WatchEntitiesResponse};
use groundplan_proto::watch::v1::{EventKind, Start};
use std::sync::Arc;
use tonic::Streaming;

/// Begins a watch; it is there when its first event has come.
pub(super) async fn begin(client: &mut Entities, filter: String) -> Result<Streaming<WatchEntitiesResponse>, Failure> {
    let request = WatchEntitiesRequest { filter, start: Start::Now.into(), ..WatchEntitiesRequest::default() };
    let mut events = client.watch_entities(request).await?.into_inner();
    match events.message().await? {
        Some(first) if first.kind() == EventKind::Bookmark => Ok(events),
        first => Err(Failure::new(format!("a watch must begin with a BOOKMARK, and not with {first:?}"))),
    }
}

/// Follows until it is all over; gives the numbers of the changes that came, and when.
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

/// The number of a change, which its record holds.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the writers write whole numbers")]
fn number(field: f64) -> u64 {
    field as u64
}
