//! `TailRevisions`: the log of what becomes of revisions, as it is stored.

use super::Messages;
use crate::error::status;
use crate::service::Schema;
use futures_util::StreamExt as _;
use groundplan_eventlog::{Batch, follow};
use groundplan_proto::schema::v1::{TailRevisionsRequest, TailRevisionsResponse};

/// What tokens of the tail are bound to.
const ORIGIN: &[u8] = b"tail";

pub(super) fn tail_revisions(schema: &Schema, request: TailRevisionsRequest) -> Messages<TailRevisionsResponse> {
    let batches = follow(schema.log.clone(), ORIGIN, request.token, schema.stop.clone());
    let respond = |Batch { events, token }: Batch| {
        let events = events.iter().map(|event| event.to_proto()).collect();
        TailRevisionsResponse { events, token }
    };
    batches.map(move |batch| batch.map(respond).map_err(status)).boxed()
}
