//! Load shedding: rejects calls immediately while too many wait for a response, so that accepted calls respond in time.

use super::{InnerService, Middleware, Request, Response};
use crate::respond::{error_response, is_grpc};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use groundplan_error::{Error, Reason};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// The suggested delay before a retry.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The layer.
#[derive(Clone)]
pub struct LoadShed {
    permits: Arc<Semaphore>,
}

impl LoadShed {
    /// Accepts at most `max_calls` calls at the same time. A call counts until its response starts, so that streams can last.
    pub fn new(max_calls: usize) -> Self {
        Self { permits: Arc::new(Semaphore::new(max_calls)) }
    }
}

impl<S: InnerService> Middleware<S> for LoadShed {
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn handle(&self, inner: &mut S, request: Request) -> Self::Future {
        // A busy server is healthy, and a restart would not help.
        if super::authenticate::is_open(request.uri().path()) {
            return inner.call(request).boxed();
        }
        let Ok(permit) = self.permits.clone().try_acquire_owned() else {
            return ready(Ok(error_response(&busy(), is_grpc(request.headers())))).boxed();
        };
        let call = inner.call(request);
        async move {
            let answer = call.await;
            drop(permit);
            answer
        }
        .boxed()
    }
}

fn busy() -> Error {
    Error::new(Reason::ServerBusy, "too many calls are waiting for a response; try again").retry_after(RETRY_AFTER)
}

#[cfg(test)]
mod tests {
    use super::LoadShed;
    use crate::layers::Layered;
    use crate::layers::Request;
    use axum::Router;
    use axum::routing::get;
    use futures_util::FutureExt as _;
    use std::future::pending;
    use tonic::body::Body;
    use tonic::service::Routes;
    use tower::{Service as _, ServiceExt as _};

    fn request(path: &str) -> Request {
        http::Request::get(path).body(Body::empty()).unwrap()
    }

    #[tokio::test]
    async fn excess_calls_are_rejected_and_health_checks_are_not() {
        let router = Router::new().route("/slow", get(pending::<()>)).route("/livez", get(|| async { "ok" }));
        let mut load_shed = Layered::new(Routes::from(router).prepare(), LoadShed::new(2));
        let mut slow: Vec<_> = (0..2).map(|_| load_shed.call(request("/slow"))).collect();
        assert!(slow.iter_mut().all(|call| call.now_or_never().is_none()));
        let refused = load_shed.call(request("/slow")).await.unwrap();
        assert_eq!(refused.status(), 503);
        assert_eq!(refused.headers()["retry-after"], "1");
        let mut grpc = request("/slow");
        grpc.headers_mut().insert("content-type", "application/grpc".parse().unwrap());
        assert_eq!(load_shed.call(grpc).await.unwrap().headers()["grpc-status"], "14");
        assert_eq!(load_shed.clone().oneshot(request("/livez")).await.unwrap().status(), 200);
        slow.pop();
        assert!(load_shed.call(request("/slow")).now_or_never().is_none(), "a permit is free again");
    }
}
