//! Transports from one service to another, over the network or within this process.

mod address;
mod peer;

use crate::layers::{Budgets, Deadline, Layered};
use crate::settings::Secret;
use crate::tls::Tls;
use address::{PeerHost, Verification};
use axum::Router;
use groundplan_error::{Error, Reason};
use groundplan_identity::Principal;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request, Response, Uri};
use peer::Peer;
use rustls::pki_types::ServerName;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tonic::body::Body;
use tonic::service::Routes;
use tonic::transport::Endpoint;
use tower::util::BoxCloneSyncService;
use tower::{ServiceExt as _, service_fn};

/// A transport to a peer, for a generated client.
// Not with a `BoxError`, because the compiler could not prove that the client's futures are Send.
pub type Transport = BoxCloneSyncService<Request<Body>, Response<Body>, tonic::transport::Error>;

/// The timeout of opening a connection to a peer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Creates a transport to a peer within this process. Requests are encoded and deadlines apply as between machines, but there is
/// no socket. The caller is the root principal.
pub fn local(router: Router) -> Transport {
    let service = Routes::from(router).prepare().map_request(|mut request: Request<Body>| {
        request.extensions_mut().insert(Principal::root());
        request
    });
    BoxCloneSyncService::new(
        Layered::new(service, Deadline::new(None, Budgets::within_process())).map_err(|never| match never {}),
    )
}

/// Creates a transport to a peer at `urls`, one such as `http://schema:3000` or several separated by commas, with the root
/// principal's key. `https` uses mutual TLS; the peer's certificate must have the given name, if there is one. Calls rotate
/// over all addresses of the names; addresses that respond are preferred. Connections open when they are first used, and again
/// after they are lost. Call it within the runtime.
pub fn remote(
    urls: &str,
    api_key: &Secret,
    tls: Option<(&Arc<Tls>, Option<&'static str>)>,
) -> Result<Transport, Error> {
    let parsed = urls.split(',').map(|url| parse_url(url.trim(), tls)).collect::<Result<Vec<_>, _>>()?;
    let (endpoints, hosts): (Vec<_>, Vec<_>) = parsed.into_iter().unzip();
    let mut bearer = HeaderValue::from_str(&format!("Bearer {}", api_key.expose()))
        .map_err(|_| Error::new(Reason::CredentialsInvalid, "API_KEY must be visible ASCII without spaces"))?;
    bearer.set_sensitive(true);
    // The address of the endpoint is not used: each address has its own connector.
    let endpoint = endpoints.into_iter().next().ok_or_else(|| Error::internal("a peer has no URL"))?;
    let peer = Peer::new(with_timeouts(endpoint), hosts);
    let service = service_fn(move |request: Request<Body>| send(Arc::clone(&peer), request));
    let service = service.map_request(move |mut request: Request<Body>| {
        request.headers_mut().insert(AUTHORIZATION, bearer.clone());
        crate::telemetry::inject_trace_context(request.headers_mut());
        request
    });
    Ok(BoxCloneSyncService::new(service))
}

/// Parses one URL of a peer.
fn parse_url(url: &str, tls: Option<(&Arc<Tls>, Option<&'static str>)>) -> Result<(Endpoint, PeerHost), Error> {
    let invalid_url =
        |problem: &str| Error::new(Reason::PeerUnavailable, format!("{url:?} is not a peer's URL: {problem}"));
    let example = "expected a URL such as http://schema:3000 or https://schema:3000";
    let endpoint = Endpoint::from_shared(url.to_owned()).map_err(|error| invalid_url(example).caused_by(error))?;
    let uri = endpoint.uri();
    let (host, port) = host_and_port(uri).ok_or_else(|| invalid_url(example))?;
    let verification = match (uri.scheme_str(), tls) {
        (Some("http"), _) => None,
        (Some("https"), Some((tls, peer))) => {
            let name = ServerName::try_from(host.clone()).map_err(|error| invalid_url(example).caused_by(error))?;
            Some(Verification { tls: Arc::clone(tls), name, peer })
        }
        (Some("https"), None) => {
            return Err(invalid_url("https needs GROUNDPLAN_TLS_CERT, GROUNDPLAN_TLS_KEY and GROUNDPLAN_TLS_CA"));
        }
        _ => return Err(invalid_url(example)),
    };
    Ok((endpoint, PeerHost { name: host, port, verification }))
}

/// Returns those of a peer's URLs that send the key in clear text to another machine: `http` to other hosts.
pub fn cleartext_urls(urls: &str) -> impl Iterator<Item = &str> {
    let is_in_clear = |url: &&str| {
        let Ok(uri) = url.parse::<Uri>() else { return false };
        let here = |host: &str| {
            let host = host.trim_start_matches('[').trim_end_matches(']');
            host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
        };
        uri.scheme_str() == Some("http") && !uri.host().is_some_and(here)
    };
    urls.split(',').map(str::trim).filter(is_in_clear)
}

/// Returns the host and the port of a peer's URL.
fn host_and_port(uri: &Uri) -> Option<(String, u16)> {
    let default_port = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    // IPv6 addresses have brackets only in URLs.
    let host = uri.host()?.trim_start_matches('[').trim_end_matches(']');
    (!host.is_empty()).then(|| (host.to_owned(), uri.port_u16().unwrap_or(default_port)))
}

/// Sets the timeouts and the keepalive of connections to a peer.
fn with_timeouts(endpoint: Endpoint) -> Endpoint {
    endpoint
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(10))
        .keep_alive_while_idle(true)
}

/// Sends a call to the next address.
async fn send(peer: Arc<Peer>, request: Request<Body>) -> Result<Response<Body>, tonic::transport::Error> {
    let address = match peer.next_address().await {
        Ok(address) => address,
        Err(status) => return Ok(status.into_http()),
    };
    let outcome = address.channel.clone().oneshot(request).await;
    if outcome.is_err() {
        peer.mark_unreachable(&address);
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::{cleartext_urls, local, remote};
    use crate::settings::Secret;
    use axum::{Extension, Router, routing::get};
    use groundplan_identity::Principal;
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
    async fn a_local_call_has_a_deadline() {
        let router = Router::new().route("/slow", get(std::future::pending::<()>));
        let request = Request::get("/slow")
            .header("grpc-timeout", "50m")
            .header("content-type", "application/grpc")
            .body(Body::empty())
            .unwrap();
        let response = local(router).oneshot(request).await.unwrap();
        assert_eq!(response.headers()["grpc-status"], "4");
    }

    #[test]
    fn urls_that_send_the_key_in_clear_text_are_found() {
        let urls =
            "http://localhost:1, http://127.0.0.2:1,http://[::1]:1,https://schema:1,http://schema:1,http://10.0.0.1";
        assert_eq!(cleartext_urls(urls).collect::<Vec<_>>(), ["http://schema:1", "http://10.0.0.1"]);
    }

    #[tokio::test]
    async fn invalid_urls_are_rejected() {
        let key = Secret::new("hunter2");
        for url in ["", "schema:3000", "ftp://schema:3000", "/path", "http://", "http://schema:3000,", "http://a:1,b"] {
            let error = remote(url, &key, None).err().unwrap().to_string();
            assert!(error.contains("http://schema:3000"), "{url}: {error}");
        }
        let error = remote("https://schema:3000", &key, None).err().unwrap().to_string();
        assert!(error.contains("GROUNDPLAN_TLS_CERT"), "{error}");
        assert!(remote("http://schema:3000", &key, None).is_ok());
        assert!(!remote("http://schema:3000", &Secret::new("a\nb"), None).err().unwrap().to_string().contains("a\nb"));
    }
}
