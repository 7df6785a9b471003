//! The budget of each request, and the memory that its body and its response hold.

use super::{Request, Response};
use crate::settings::BudgetSettings;
use bytes::Bytes;
use groundplan_budget::{Allowance, Budget, DEFAULT, Memory, UNRESERVED};
use groundplan_error::Error;
use http_body::{Body as _, Frame, SizeHint};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Instant;
use tonic::Status;
use tonic::body::Body;

/// The largest chunk of a response body, in bytes.
const MAX_CHUNK_BYTES: usize = 64 << 10;

/// Creates the budgets of requests.
#[derive(Clone, Debug)]
pub struct Budgets {
    allowance: Allowance,
    memory: Memory,
}

/// The error of a body that was not read completely, because the process has no memory left for it.
type BodyError = Arc<OnceLock<Error>>;

/// The budget of a running request.
pub(super) struct RequestBudget {
    pub(super) budget: Budget,
    body_error: Option<BodyError>,
}

impl Budgets {
    /// Creates budgets with the limits of the settings and a share of `memory`.
    pub fn new(settings: &BudgetSettings, memory: Memory) -> Self {
        let allowance = Allowance { values: settings.max_values, steps: settings.max_steps, ..DEFAULT };
        Self { allowance, memory }
    }

    /// Creates budgets for calls between services of one process. Memory is not limited, because the outer request holds it.
    pub(crate) fn within_process() -> Self {
        Self { allowance: DEFAULT, memory: Memory::new(usize::MAX) }
    }

    /// Creates the budget of a request. `is_stream` means that its body is a stream of messages, which are not held together.
    pub(super) fn start(&self, request: &mut Request, deadline: Option<Instant>, is_stream: bool) -> RequestBudget {
        let budget = Budget::for_request(self.allowance, &self.memory, deadline);
        request.extensions_mut().insert(budget.clone());
        let is_small = request.body().size_hint().upper().is_some_and(|most| most <= UNRESERVED as u64);
        let body_error = (!is_small && !is_stream).then(|| {
            let body_error = BodyError::default();
            let body = std::mem::take(request.body_mut());
            *request.body_mut() =
                Body::new(MeteredRequestBody { body, budget: budget.clone(), body_error: body_error.clone() });
            body_error
        });
        RequestBudget { budget, body_error }
    }
}

impl RequestBudget {
    /// Returns the error if the request's body was not read for lack of memory. Any response is then about a truncated body.
    pub(super) fn body_failure(&self) -> Option<&Error> {
        self.body_error.as_ref()?.get()
    }

    /// Holds the request's memory until the response is sent.
    pub(super) fn hold(self, response: Response) -> Response {
        if !self.budget.is_large() {
            return response;
        }
        response.map(|body| Body::new(MeteredResponseBody { body, rest: Bytes::new(), _budget: self.budget }))
    }
}

/// A request body that reserves memory for what arrives: it is collected before it is decoded.
struct MeteredRequestBody {
    body: Body,
    budget: Budget,
    body_error: BodyError,
}

impl http_body::Body for MeteredRequestBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(context)) else { return Poll::Ready(None) };
        let frame = frame?;
        let length = frame.data_ref().map_or(0, Bytes::len);
        Poll::Ready(Some(match self.budget.hold(length) {
            Ok(()) => Ok(frame),
            Err(error) => {
                let status = error.to_status();
                // It is set once: nothing is read after an error.
                let _ = self.body_error.set(error);
                Err(status)
            }
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A response body that holds memory until it is sent or dropped. It returns chunks: the libraries below buffer some, and poll
/// again when the client has read.
struct MeteredResponseBody {
    body: Body,
    /// The rest of the last frame.
    rest: Bytes,
    _budget: Budget,
}

impl http_body::Body for MeteredResponseBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.rest.is_empty() {
            let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(context)) else { return Poll::Ready(None) };
            match frame?.into_data() {
                Ok(data) => self.rest = data,
                Err(other) => return Poll::Ready(Some(Ok(other))),
            }
        }
        let length = self.rest.len().min(MAX_CHUNK_BYTES);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, body_hint) = (self.rest.len() as u64, self.body.size_hint());
        let mut hint = SizeHint::new();
        if let Some(upper) = body_hint.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint.set_lower(body_hint.lower().saturating_add(rest));
        hint
    }
}
