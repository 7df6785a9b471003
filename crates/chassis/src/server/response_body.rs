//! Response bodies whose bytes are counted when the protocol takes them.

use super::guarded_stream::BodyTraffic;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// A counted response body.
pub(super) struct CountedBody {
    body: axum::body::Body,
    traffic: Option<Arc<BodyTraffic>>,
}

impl CountedBody {
    pub(super) fn new(body: axum::body::Body, traffic: Option<Arc<BodyTraffic>>) -> Self {
        Self { body, traffic }
    }
}

impl Body for CountedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
            && let Some(traffic) = &self.traffic
        {
            traffic.record_queued(data.len());
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
