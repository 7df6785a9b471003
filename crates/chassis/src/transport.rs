//! How one service reaches another: over the network, or inside this process. A caller cannot tell which.

mod address;
mod peer;

use crate::layers::{Budgets, Deadline};
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
    BoxCloneSyncService::new(Deadline::new(service, None, Budgets::unlimited()).map_err(|never| match never {}))
}

/// The way to a peer at `urls`, such as `http://schema:3000`, or several with commas between them, by the root principal's key;
/// `https` by mutual TLS, with whoever has the name that is given in its certificate, if one is. All addresses of the names take turns, those that answer before those that do not. It connects when it
/// is first used, and again whenever a connection is lost. Within the runtime.
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
    // What it says of where it leads is not used: each address has a connector of its own.
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

/// One URL of a peer.
fn parse_url(url: &str, tls: Option<(&Arc<Tls>, Option<&'static str>)>) -> Result<(Endpoint, PeerHost), Error> {
    let wrong = |what: &str| Error::new(Reason::PeerUnavailable, format!("{url:?} is not a peer's URL: {what}"));
    let example = "expected one such as http://schema:3000 or https://schema:3000";
    let endpoint = Endpoint::from_shared(url.to_owned()).map_err(|error| wrong(example).caused_by(error))?;
    let uri = endpoint.uri();
    let (host, port) = host_and_port(uri).ok_or_else(|| wrong(example))?;
    let verification = match (uri.scheme_str(), tls) {
        (Some("http"), _) => None,
        (Some("https"), Some((tls, peer))) => {
            let name = ServerName::try_from(host.clone()).map_err(|error| wrong(example).caused_by(error))?;
            Some(Verification { tls: Arc::clone(tls), name, peer })
        }
        (Some("https"), None) => {
            return Err(wrong("https needs GROUNDPLAN_TLS_CERT, GROUNDPLAN_TLS_KEY and GROUNDPLAN_TLS_CA"));
        }
        _ => return Err(wrong(example)),
    };
    Ok((endpoint, PeerHost { name: host, port, verification }))
}

/// Those of a peer's URLs by which the key goes to another machine as it is: `http` to other hosts than this one.
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

/// The host and the port of a peer's URL.
fn host_and_port(uri: &Uri) -> Option<(String, u16)> {
    let default_port = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    // An IPv6 address has brackets in a URL, and nowhere else.
    let host = uri.host()?.trim_start_matches('[').trim_end_matches(']');
    (!host.is_empty()).then(|| (host.to_owned(), uri.port_u16().unwrap_or(default_port)))
}

/// How long things may take on a connection to a peer, and how it is seen that nobody is there any more.
fn with_timeouts(endpoint: Endpoint) -> Endpoint {
    endpoint
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(10))
        .keep_alive_while_idle(true)
}

/// One call, to the address whose turn it is.
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

    #[test]
    fn a_key_in_clear_text_is_noticed() {
        let urls =
            "http://localhost:1, http://127.0.0.2:1,http://[::1]:1,https://schema:1,http://schema:1,http://10.0.0.1";
        assert_eq!(cleartext_urls(urls).collect::<Vec<_>>(), ["http://schema:1", "http://10.0.0.1"]);
    }

    #[tokio::test]
    async fn a_wrong_url_is_refused_at_once() {
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
