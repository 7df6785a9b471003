//! `TailRevisions`: streams the event log of revisions.

use super::Messages;
use crate::error::status;
use crate::service::Schema;
use futures_util::StreamExt as _;
use groundplan_eventlog::{Batch, follow};
use groundplan_proto::schema::v1::{TailRevisionsRequest, TailRevisionsResponse};

/// The scope of resume tokens.
const ORIGIN: &[u8] = b"tail";

pub(super) fn tail_revisions(schema: &Schema, request: TailRevisionsRequest) -> Messages<TailRevisionsResponse> {
    let batches = follow(schema.log.clone(), ORIGIN, request.token, schema.stop.clone());
    let respond = |Batch { events, token }: Batch| {
        let events = events.iter().map(|event| event.to_proto()).collect();
        TailRevisionsResponse { events, token }
    };
    batches.map(move |batch| batch.map(respond).map_err(status)).boxed()
}
