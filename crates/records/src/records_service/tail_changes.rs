//! `TailChanges`: the log as it is stored, for the suite itself.

use super::Messages;
use crate::derived::streaming::ended;
use crate::state::Records;
use futures_util::StreamExt as _;
use groundplan_eventlog::{Batch, follow};
use groundplan_proto::records::v1::{TailChangesRequest, TailChangesResponse};

/// The origin that tokens of the tail are bound to.
const ORIGIN: &[u8] = b"tail";

pub(super) fn run(records: &Records, request: TailChangesRequest) -> Messages<TailChangesResponse> {
    let batches = follow(records.log().clone(), ORIGIN, request.token, records.stop().clone());
    let respond = |Batch { events, token }: Batch| {
        let events = events.iter().map(|event| event.to_proto()).collect();
        TailChangesResponse { events, token }
    };
    batches.map(move |batch| batch.map(respond).map_err(ended)).boxed()
}
