//! Deadlines: late calls return DEADLINE_EXCEEDED, and their work is dropped, including running statements.
//!
//! A caller's `grpc-timeout` covers the whole response, also of streams. The server's limit covers the time until the response
//! starts, so that streams can last. It does not apply to client streams, which respond at their end.
//!
//! This layer creates the request's budget, because the deadline is a part of it. Work on other threads, which does not end when
//! a future is dropped, ends because the budget is cancelled.

use super::{Budgets, InnerService, Middleware, Request, Response, is_client_streaming};
use crate::respond::{error_response, is_grpc};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use groundplan_error::{Error, Reason};
use http::{HeaderMap, HeaderValue};
use http_body::{Frame, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};
use tonic::Status;
use tonic::body::Body;

/// The layer.
#[derive(Clone)]
pub struct Deadline {
    /// The server's limit.
    limit: Option<Duration>,
    budgets: Budgets,
}

impl Deadline {
    /// Applies the caller's deadline and, until the response starts, `limit` to calls, and gives each its budget.
    pub fn new(limit: Option<Duration>, budgets: Budgets) -> Self {
        Self { limit, budgets }
    }
}

impl<S: InnerService> Middleware<S> for Deadline {
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn handle(&self, inner: &mut S, mut request: Request) -> Self::Future {
        let grpc = is_grpc(request.headers());
        let timeout = match client_timeout(request.headers()) {
            Ok(timeout) => timeout,
            Err(error) => return ready(Ok(error_response(&error, grpc))).boxed(),
        };
        // A deadline that overflows the clock is none.
        let at = |after: Option<Duration>| after.and_then(|after| Instant::now().checked_add(after));
        // Methods with client streams limit their own waits.
        let is_client_stream = is_client_streaming(request.uri().path());
        let limit = self.limit.filter(|_| !is_client_stream);
        let (end, start) = (at(timeout), at(timeout.into_iter().chain(limit).min()));
        let request_budget = self.budgets.start(&mut request, start.map(Instant::into_std), is_client_stream);
        let call = inner.call(request);
        async move {
            let cancel = request_budget.budget.cancel_on_drop();
            let response = match start {
                Some(start) => match timeout_at(start, call).await {
                    Ok(response) => response?,
                    Err(_) => return Ok(error_response(&deadline_exceeded(), grpc)),
                },
                None => call.await?,
            };
            cancel.disarm();
            let response = match request_budget.body_failure() {
                Some(error) => error_response(error, grpc),
                None => request_budget.hold(response),
            };
            Ok(response.map(|body| match end {
                Some(end) if !http_body::Body::is_end_stream(&body) => {
                    Body::new(DeadlineBody { body: Some(body), end: Box::pin(sleep_until(end)), grpc })
                }
                _ => body,
            }))
        }
        .boxed()
    }
}

fn deadline_exceeded() -> Error {
    Error::new(Reason::DeadlineExceeded, "the deadline expired before the call was finished")
}

/// Returns the caller's timeout: `grpc-timeout`, at most eight digits and a unit.
fn client_timeout(headers: &HeaderMap) -> Result<Option<Duration>, Error> {
    let mut values = headers.get_all("grpc-timeout").iter();
    let Some(value) = values.next() else { return Ok(None) };
    match parse_timeout(value).filter(|_| values.next().is_none()) {
        Some(timeout) => Ok(Some(timeout)),
        None => Err(Error::new(
            Reason::MalformedRequest,
            "grpc-timeout must be one value of one to eight digits and a unit (H, M, S, m, u or n), such as 500m",
        )),
    }
}

fn parse_timeout(value: &HeaderValue) -> Option<Duration> {
    let (unit, digits) = value.as_bytes().split_last()?;
    if !(1..=8).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let amount: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some(match unit {
        b'H' => Duration::from_secs(amount * 3_600),
        b'M' => Duration::from_secs(amount * 60),
        b'S' => Duration::from_secs(amount),
        b'm' => Duration::from_millis(amount),
        b'u' => Duration::from_micros(amount),
        b'n' => Duration::from_nanos(amount),
        _ => return None,
    })
}

/// A body that ends with DEADLINE_EXCEEDED when the deadline expires.
struct DeadlineBody {
    /// None after the deadline: dropping the body ends the work.
    body: Option<Body>,
    end: Pin<Box<Sleep>>,
    grpc: bool,
}

impl http_body::Body for DeadlineBody {
    type Data = bytes::Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<bytes::Bytes>, Status>>> {
        let Some(body) = self.body.as_mut() else { return Poll::Ready(None) };
        if let ready @ Poll::Ready(_) = Pin::new(body).poll_frame(context) {
            return ready;
        }
        std::task::ready!(self.end.as_mut().poll(context));
        self.body = None;
        let status = deadline_exceeded().to_status();
        if !self.grpc {
            return Poll::Ready(Some(Err(status)));
        }
        let mut trailers = HeaderMap::new();
        Poll::Ready(Some(status.add_header(&mut trailers).map(|()| Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(http_body::Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, http_body::Body::size_hint)
    }
}

#[cfg(test)]
mod tests {
    use super::parse_timeout;
    use http::HeaderValue;
    use std::time::Duration;

    #[test]
    fn timeouts_are_parsed_strictly() {
        let parse_timeout = |text| parse_timeout(&HeaderValue::from_static(text));
        assert_eq!(parse_timeout("1H"), Some(Duration::from_secs(3_600)));
        assert_eq!(parse_timeout("99999999M"), Some(Duration::from_secs(99_999_999 * 60)));
        assert_eq!(parse_timeout("0n"), Some(Duration::ZERO));
        assert_eq!(parse_timeout("5u"), Some(Duration::from_micros(5)));
        for invalid in ["", "5", "m", "123456789m", "-5m", "+5m", "1.5S", "5s", "5 m", "5mm", "٥m"] {
            assert_eq!(
                HeaderValue::from_bytes(invalid.as_bytes()).ok().and_then(|value| super::parse_timeout(&value)),
                None,
                "{invalid}"
            );
        }
    }
}
