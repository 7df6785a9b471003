//! The RPC WatchEntities.

use crate::derived::active_call::ActiveCall;
use crate::derived::codec::Reply;
use crate::derived::event;
use crate::derived::request::Fields;
use crate::derived::streaming::{Replies, ended};
use bytes::Bytes;
use futures_util::StreamExt as _;
use groundplan_error::Error;
use groundplan_operations::Backend as _;
use std::convert::Infallible;

pub(super) async fn handle(active: &ActiveCall, message: &[u8]) -> Result<Replies, Error> {
    let model = active.model();
    let query = Fields::read(model, active.kind, message)?.watch();
    let events = active.records.watch(&active.caller, model, &query).await?;
    let replies = events.map(|event| match event {
        Ok(event) => {
            let written: Result<Bytes, Infallible> =
                event.encoded.wire.get_or_write(event.memory.as_ref(), || Ok(event::of_model(&event)));
            Ok(Reply::Event(written.unwrap_or_else(|never| match never {})))
        }
        Err(error) => Err(ended(error)),
    });
    Ok(replies.boxed())
}
