//! How one service reaches another: over the network, or inside this process. A caller cannot tell which.

use crate::layers::Deadline;
use crate::principal::Principal;
use crate::settings::Secret;
use axum::Router;
use groundplan_error::{Error, Reason};
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request, Response};
use std::time::Duration;
use tonic::body::Body;
use tonic::service::Routes;
use tonic::transport::Endpoint;
use tower::ServiceExt as _;
use tower::util::BoxCloneSyncService;

/// The way to a peer, for a generated client.
// Not with a `BoxError`: the compiler cannot see then that the client's futures are Send.
pub type Transport = BoxCloneSyncService<Request<Body>, Response<Body>, tonic::transport::Error>;

/// How long opening a connection to a peer may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The way to a peer within this process. Requests are encoded and deadlines hold as they do between machines; only the
/// socket is gone. The caller is the root principal.
pub fn local(router: Router) -> Transport {
    let service = Routes::from(router).prepare().map_request(|mut request: Request<Body>| {
        request.extensions_mut().insert(Principal::root());
        request
    });
    BoxCloneSyncService::new(Deadline::new(service, None).map_err(|never| match never {}))
}

/// The way to a peer at `url`, such as `http://schema:3000`, by the root principal's key. It connects when it is first
/// used, and again whenever the connection is lost.
pub fn remote(url: &str, api_key: &Secret) -> Result<Transport, Error> {
    let wrong = |what: &str| Error::new(Reason::PeerUnavailable, format!("{url:?} is not a peer's URL: {what}"));
    let endpoint = Endpoint::from_shared(url.to_owned())
        .map_err(|error| wrong("expected one such as http://schema:3000").caused_by(error))?;
    if endpoint.uri().scheme_str() != Some("http") || endpoint.uri().host().is_none() {
        return Err(wrong("expected one such as http://schema:3000"));
    }
    let mut bearer = HeaderValue::from_str(&format!("Bearer {}", api_key.expose()))
        .map_err(|_| Error::new(Reason::CredentialsInvalid, "API_KEY must be visible ASCII without spaces"))?;
    bearer.set_sensitive(true);
    let channel = endpoint
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(10))
        .keep_alive_while_idle(true)
        .tcp_nodelay(true)
        .connect_lazy();
    let service = channel.map_request(move |mut request: Request<Body>| {
        request.headers_mut().insert(AUTHORIZATION, bearer.clone());
        crate::telemetry::inject(request.headers_mut());
        request
    });
    Ok(BoxCloneSyncService::new(service))
}

#[cfg(test)]
mod tests {
    use super::{local, remote};
    use crate::principal::Principal;
    use crate::settings::Secret;
    use axum::{Extension, Router, routing::get};
    use http::Request;
    use http_body_util::BodyExt as _;
    use tonic::body::Body;
    use tower::ServiceExt as _;

    #[tokio::test]
    async fn a_local_call_is_made_by_root() {
        let router =
            Router::new().route("/who", get(|Extension(caller): Extension<Principal>| async move { caller.name }));
        let request = Request::get("/who").body(Body::empty()).unwrap();
        let response = local(router).oneshot(request).await.unwrap();
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "root");
    }

    #[tokio::test(start_paused = true)]
    async fn a_local_call_has_a_deadline_too() {
        let router = Router::new().route("/slow", get(std::future::pending::<()>));
        let request = Request::get("/slow")
            .header("grpc-timeout", "50m")
            .header("content-type", "application/grpc")
            .body(Body::empty())
            .unwrap();
        let response = local(router).oneshot(request).await.unwrap();
        assert_eq!(response.headers()["grpc-status"], "4");
    }

    #[tokio::test]
    async fn a_wrong_url_is_refused_at_once() {
        let key = Secret::new("hunter2");
        for url in ["", "schema:3000", "https://schema:3000", "/path", "http://"] {
            let error = remote(url, &key).err().unwrap().to_string();
            assert!(error.contains("http://schema:3000"), "{url}: {error}");
        }
        assert!(remote("http://schema:3000", &key).is_ok());
        assert!(!remote("http://schema:3000", &Secret::new("a\nb")).err().unwrap().to_string().contains("a\nb"));
    }
}
