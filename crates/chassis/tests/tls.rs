//! Mutual TLS on real sockets: who is let in, who may call what, and what happens when the files change.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking, too")]

#[path = "tls/authority.rs"]
mod authority;
#[path = "tls/pem.rs"]
mod pem;

use authority::Authority;
use axum::Router;
use axum::routing::get;
use groundplan_budget::Memory;
use groundplan_chassis::layers::{RootKey, stack};
use groundplan_chassis::mounted_service::grpc_routes;
use groundplan_chassis::server::serve;
use groundplan_chassis::settings::{AllowList, Secret, ServerSettings, TlsSettings, defaults};
use groundplan_chassis::tls::Tls;
use groundplan_chassis::transport::{Transport, remote};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;

const KEY: &str = "q7mUe0yDk4pXr2vT9aLsWc6nHjZbF1gOxI8uE3wYt5M";

/// Longer than anything here takes, shorter than a test runner's patience.
const PATIENCE: Duration = Duration::from_secs(20);

/// The settings of the files `name` in a folder, with the authority `ca`.
fn settings(folder: &Path, name: &str) -> TlsSettings {
    let file = |name: &str, ending| Some(folder.join(format!("{name}.{ending}")));
    TlsSettings { tls_cert: file(name, "pem"), tls_key: file(name, "key"), tls_ca: file("ca", "pem") }
}

fn load(folder: &Path, name: &str) -> Arc<Tls> {
    Tls::load(&settings(folder, name)).unwrap().unwrap()
}

/// A server with the certificate `schema`, which lets `records` call health and nothing else.
async fn start(folder: &Path, address: &str, server: ServerSettings) -> (SocketAddr, DropGuard) {
    let listener = TcpListener::bind(address).await.unwrap();
    let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter.set_service_status("", tonic_health::ServingStatus::Serving).await;
    let router = Router::new().route("/hello", get(|| async { "hello" })).merge(grpc_routes(health));
    let allow = AllowList::parse("envoy,records=/hello").unwrap();
    let router = stack(router, RootKey::new(&Secret::new(KEY)).unwrap(), Some(allow), Memory::new(64 << 20), &server);
    let (tls, stopped) = (load(folder, "schema"), stop.clone());
    tokio::spawn(async move { serve(listener, router, Some(tls), stopped, &server).await.unwrap() });
    (address, stop.drop_guard())
}

/// The way to the server that the one of this name goes.
fn way(url: &str, folder: &Path, name: &str) -> Transport {
    remote(url, &Secret::new(KEY), Some((&load(folder, name), None))).unwrap()
}

async fn health(way: &Transport) -> Result<(), tonic::Status> {
    HealthClient::new(way.clone()).check(HealthCheckRequest::default()).await.map(drop)
}

/// A call of a method that the server does not have: who may call it hears UNIMPLEMENTED.
async fn reflect(way: &Transport) -> tonic::Status {
    let requests = futures_util::stream::pending();
    ServerReflectionClient::new(way.clone()).server_reflection_info(requests).await.unwrap_err()
}

fn folder() -> (TempDir, Authority) {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::make("ours");
    authority.write(folder.path(), &["schema", "records", "envoy"]);
    (folder, authority)
}

#[tokio::test]
async fn callers_are_known_by_their_certificates() {
    let (folder, _authority) = folder();
    let (address, _stop) = start(folder.path(), "127.0.0.1:0", defaults()).await;
    let url = format!("https://localhost:{}", address.port());
    let envoy = way(&url, folder.path(), "envoy");
    health(&envoy).await.unwrap();
    assert_eq!(reflect(&envoy).await.code(), Code::Unimplemented);
    let records = way(&url, folder.path(), "records");
    health(&records).await.unwrap();
    let refused = reflect(&records).await;
    assert_eq!(refused.code(), Code::PermissionDenied);
    for words in ["records", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"] {
        assert!(refused.message().contains(words), "{refused}");
    }
}

#[tokio::test]
async fn strangers_are_not_let_in() {
    let (folder, authority) = folder();
    let (address, _stop) = start(folder.path(), "127.0.0.1:0", defaults()).await;
    let url = format!("https://localhost:{}", address.port());
    // Of an authority that the server does not believe; it believes the server's all the same.
    let stranger = tempfile::tempdir().unwrap();
    Authority::make("another").write(stranger.path(), &["envoy"]);
    fs::copy(folder.path().join("ca.pem"), stranger.path().join("ca.pem")).unwrap();
    assert!(health(&way(&url, stranger.path(), "envoy")).await.is_err());
    // And the other way round: a server of another authority.
    let other = tempfile::tempdir().unwrap();
    authority.write(other.path(), &["envoy"]);
    Authority::make("another").write_root(other.path());
    assert!(health(&way(&url, other.path(), "envoy")).await.is_err());
    // Without TLS.
    let plain = remote(&format!("http://{address}"), &Secret::new(KEY), None).unwrap();
    assert!(health(&plain).await.is_err());
    // By a name that the server's certificate does not have.
    let url = format!("https://127.0.0.1:{}", address.port());
    assert!(health(&way(&url, folder.path(), "envoy")).await.is_err());
}

#[tokio::test]
async fn a_peer_of_another_name_is_not_called() {
    let (folder, _authority) = folder();
    let (address, _stop) = start(folder.path(), "127.0.0.1:0", defaults()).await;
    let url = format!("https://localhost:{}", address.port());
    let tls = load(folder.path(), "records");
    let way = |peer| remote(&url, &Secret::new(KEY), Some((&tls, Some(peer)))).unwrap();
    health(&way("schema")).await.unwrap();
    // Of the same authority and on the right host, and still not the service that is meant.
    let refused = health(&way("records")).await.unwrap_err();
    let mut causes = String::new();
    let mut cause: Option<&dyn std::error::Error> = Some(&refused);
    while let Some(error) = cause {
        causes.push_str(&error.to_string());
        cause = error.source();
    }
    assert!(causes.contains("\"schema\"") && causes.contains("spiffe://groundplan/records"), "{causes}");
}

#[tokio::test]
async fn whoever_says_nothing_in_the_handshake_is_not_waited_for() {
    let (folder, _authority) = folder();
    let server = ServerSettings { header_timeout: Duration::from_millis(100), ..defaults() };
    let (address, _stop) = start(folder.path(), "127.0.0.1:0", server).await;
    let mut silent = TcpStream::connect(address).await.unwrap();
    let closed = async { silent.read_to_end(&mut Vec::new()).await };
    let _ = tokio::time::timeout(PATIENCE, closed).await.expect("the server closes");
}

#[tokio::test]
async fn files_that_change_are_read_again_and_broken_ones_are_not_used() {
    let (folder, _authority) = folder();
    let (address, _stop) = start(folder.path(), "127.0.0.1:0", defaults()).await;
    let url = format!("https://localhost:{}", address.port());
    fs::write(folder.path().join("schema.pem"), "not a certificate").unwrap();
    // Longer than the server takes to look.
    tokio::time::sleep(Duration::from_secs(3)).await;
    health(&way(&url, folder.path(), "envoy")).await.expect("the old certificate is still used");
    let next = Authority::make("the next one");
    next.write(folder.path(), &["schema", "records", "envoy"]);
    let new = way(&url, folder.path(), "envoy");
    let until_new = async { while health(&new).await.is_err() {} };
    tokio::time::timeout(PATIENCE, until_new).await.expect("the new certificates are used");
}

#[tokio::test]
async fn addresses_that_do_not_answer_are_left_out() {
    let (folder, _authority) = folder();
    // `localhost` has an address that nobody listens on, [::1], or at least one that somebody does.
    let (address, stop) = start(folder.path(), "127.0.0.1:0", defaults()).await;
    let way = way(&format!("https://localhost:{}", address.port()), folder.path(), "envoy");
    for _ in 0..10 {
        health(&way).await.unwrap();
    }
    drop(stop);
    let gone = async { while health(&way).await.is_ok() {} };
    tokio::time::timeout(PATIENCE, gone).await.unwrap();
    let (_, _stop) = start(folder.path(), &address.to_string(), defaults()).await;
    let back = async { while health(&way).await.is_err() {} };
    tokio::time::timeout(PATIENCE, back).await.expect("it comes back by itself");
}

#[tokio::test]
async fn what_is_wrong_with_the_files_is_said() {
    let (folder, _authority) = folder();
    let path = |name: &str| Some(folder.path().join(name));
    let good = settings(folder.path(), "schema");
    assert!(Tls::load(&TlsSettings::default()).unwrap().is_none());
    fs::write(folder.path().join("empty"), "").unwrap();
    Authority::make("nameless").write_nameless(folder.path());
    for (settings, words) in [
        (TlsSettings { tls_ca: None, ..good.clone() }, vec!["GROUNDPLAN_TLS_CA", "missing"]),
        (
            TlsSettings { tls_cert: path("nowhere"), ..good.clone() },
            vec!["GROUNDPLAN_TLS_CERT", "nowhere", "cannot be read"],
        ),
        (
            TlsSettings { tls_cert: path("empty"), ..good.clone() },
            vec!["GROUNDPLAN_TLS_CERT", "empty", "no certificate"],
        ),
        (
            TlsSettings { tls_key: path("schema.pem"), ..good.clone() },
            vec!["GROUNDPLAN_TLS_KEY", "schema.pem", "no unencrypted private key"],
        ),
        (TlsSettings { tls_key: path("envoy.key"), ..good.clone() }, vec!["schema.pem", "envoy.key", "does not match"]),
        (TlsSettings { tls_ca: path("schema.key"), ..good.clone() }, vec!["GROUNDPLAN_TLS_CA", "schema.key"]),
        (settings(folder.path(), "nameless"), vec!["nameless.pem", "spiffe://groundplan/<name>"]),
    ] {
        let error = Tls::load(&settings).unwrap_err().to_string();
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    }
}
