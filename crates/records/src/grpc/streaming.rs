//! Methods that answer with a stream.

use super::codec::Reply;
use super::{Begun, event, request};
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use groundplan_error::{Error, Reason};
use groundplan_operations::Backend as _;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use tonic::Status;
use tonic::server::ServerStreamingService;

/// The messages of an answer.
pub(super) type Replies = BoxStream<'static, Result<Reply, Status>>;

/// A call as tonic makes it.
pub(super) struct Streaming(pub(super) Arc<Begun>);

impl ServerStreamingService<Bytes> for Streaming {
    type Response = Reply;
    type ResponseStream = Replies;
    type Future = Pin<Box<dyn Future<Output = Result<tonic::Response<Replies>, Status>> + Send>>;

    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        let begun = self.0.clone();
        Box::pin(async move {
            let replies = begun.stream(request.get_ref()).await;
            replies.map(tonic::Response::new).map_err(|error| begun.fail(error))
        })
    }
}

impl Begun {
    /// Begins what the message asks for.
    async fn stream(&self, message: &[u8]) -> Result<Replies, Error> {
        let model = &self.table.model;
        let query = request::Fields::read(model, self.kind, message)?.watch();
        let events = self.records.watch(&self.caller, model, &query).await?;
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
}

/// The status of a stream that ends with an error. Its headers went out long before, so that nobody else logs its cause.
pub(crate) fn ended(error: Error) -> Status {
    if error.reason() == Reason::Internal {
        tracing::error!(error = error.log_text(), "a watch failed");
    }
    error.to_status()
}
