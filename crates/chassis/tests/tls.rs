//! Tests of mutual TLS on real sockets: authentication, the allow list, and changed files.

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
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
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

/// Longer than every step here, shorter than the timeout of a test runner.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Returns the settings for the files `name` in a folder, with the authority `ca`.
fn settings(folder: &Path, name: &str) -> TlsSettings {
    let file = |name: &str, ending| Some(folder.join(format!("{name}.{ending}")));
    TlsSettings { tls_cert: file(name, "pem"), tls_key: file(name, "key"), tls_ca: file("ca", "pem") }
}

fn load(folder: &Path, name: &str) -> Arc<Tls> {
    Tls::load(&settings(folder, name)).unwrap().unwrap()
}

/// Starts a server with the certificate `schema`, which allows `records` only health checks.
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

/// Creates a transport to the server with the certificate `name`.
fn transport(url: &str, folder: &Path, name: &str) -> Transport {
    remote(url, &Secret::new(KEY), Some((&load(folder, name), None))).unwrap()
}

async fn health(transport: &Transport) -> Result<(), tonic::Status> {
    HealthClient::new(transport.clone()).check(HealthCheckRequest::default()).await.map(drop)
}

/// Calls a method that the server does not have: allowed callers get UNIMPLEMENTED.
async fn reflect(transport: &Transport) -> tonic::Status {
    let requests = futures_util::stream::pending();
    ServerReflectionClient::new(transport.clone()).server_reflection_info(requests).await.unwrap_err()
}

fn folder() -> (TempDir, Authority) {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::make("ours");
    authority.write(folder.path(), &["schema", "records", "envoy"]);
    (folder, authority)
}

/// The captured log of this process.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Captures the log from now on.
    fn capture() -> Self {
        let log = Self::default();
        let writer = log.clone();
        tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).init();
        log
    }

    /// Waits until a message is logged.
    async fn wait_for(&self, message: &str) {
        let waiting = async {
            while !String::from_utf8_lossy(&self.0.lock().unwrap()).contains(message) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(TIMEOUT, waiting).await.expect("the message is logged");
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn callers_are_authenticated_by_their_certificates() {
    let (folder, _authority) = folder();
    let (address, _stop) = start(folder.path(), "127.0.0.1:0", defaults()).await;
    let url = format!("https://localhost:{}", address.port());
    let envoy = transport(&url, folder.path(), "envoy");
    health(&envoy).await.unwrap();
    assert_eq!(reflect(&envoy).await.code(), Code::Unimplemented);
    let records = transport(&url, folder.path(), "records");
    health(&records).await.unwrap();
    let refused = reflect(&records).await;
    assert_eq!(refused.code(), Code::PermissionDenied);
    for words in ["records", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"] {
        assert!(refused.message().contains(words), "{refused}");
    }
}

#[tokio::test]
async fn strangers_are_rejected() {
    let (folder, authority) = folder();
    let (address, _stop) = start(folder.path(), "127.0.0.1:0", defaults()).await;
    let url = format!("https://localhost:{}", address.port());
    // A client of an untrusted authority, which trusts the server.
    let stranger = tempfile::tempdir().unwrap();
    Authority::make("another").write(stranger.path(), &["envoy"]);
    fs::copy(folder.path().join("ca.pem"), stranger.path().join("ca.pem")).unwrap();
    assert!(health(&transport(&url, stranger.path(), "envoy")).await.is_err());
    // A client that does not trust the server's authority.
    let other = tempfile::tempdir().unwrap();
    authority.write(other.path(), &["envoy"]);
    Authority::make("another").write_root(other.path());
    assert!(health(&transport(&url, other.path(), "envoy")).await.is_err());
    // A client without TLS.
    let plain = remote(&format!("http://{address}"), &Secret::new(KEY), None).unwrap();
    assert!(health(&plain).await.is_err());
    // A host name that the server's certificate does not have.
    let url = format!("https://127.0.0.1:{}", address.port());
    assert!(health(&transport(&url, folder.path(), "envoy")).await.is_err());
}

#[tokio::test]
async fn a_peer_with_another_name_is_not_called() {
    let (folder, _authority) = folder();
    let (address, _stop) = start(folder.path(), "127.0.0.1:0", defaults()).await;
    let url = format!("https://localhost:{}", address.port());
    let tls = load(folder.path(), "records");
    let transport = |peer| remote(&url, &Secret::new(KEY), Some((&tls, Some(peer)))).unwrap();
    health(&transport("schema")).await.unwrap();
    // The authority and the host are right, but the name of the service is not.
    let refused = health(&transport("records")).await.unwrap_err();
    let mut causes = String::new();
    let mut cause: Option<&dyn std::error::Error> = Some(&refused);
    while let Some(error) = cause {
        causes.push_str(&error.to_string());
        cause = error.source();
    }
    assert!(causes.contains("\"schema\"") && causes.contains("spiffe://groundplan/records"), "{causes}");
}

#[tokio::test]
async fn a_silent_tls_handshake_is_closed() {
    let (folder, _authority) = folder();
    let server = ServerSettings { header_timeout: Duration::from_millis(100), ..defaults() };
    let (address, _stop) = start(folder.path(), "127.0.0.1:0", server).await;
    let mut silent = TcpStream::connect(address).await.unwrap();
    let closed = async { silent.read_to_end(&mut Vec::new()).await };
    // Less than the default, so that only the setting can close the connection in time.
    let limit = defaults::<ServerSettings>().header_timeout / 2;
    let _ = tokio::time::timeout(limit, closed).await.expect("the server closes");
}

#[tokio::test]
async fn changed_files_are_read_again_and_invalid_ones_are_not_used() {
    let (folder, _authority) = folder();
    let (address, _stop) = start(folder.path(), "127.0.0.1:0", defaults()).await;
    let url = format!("https://localhost:{}", address.port());
    let log = Log::capture();
    fs::write(folder.path().join("schema.pem"), "not a certificate").unwrap();
    log.wait_for("new certificates are invalid").await;
    health(&transport(&url, folder.path(), "envoy")).await.expect("the previous certificate stays in use");
    let next = Authority::make("the next authority");
    next.write(folder.path(), &["schema", "records", "envoy"]);
    let new = transport(&url, folder.path(), "envoy");
    let until_new = async { while health(&new).await.is_err() {} };
    tokio::time::timeout(TIMEOUT, until_new).await.expect("the new certificates are used");
}

#[tokio::test]
async fn addresses_that_do_not_respond_are_left_out() {
    let (folder, _authority) = folder();
    let (address, stop) = start(folder.path(), "127.0.0.1:0", defaults()).await;
    // Nobody listens there any more.
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let urls = [closed, address].map(|address| format!("https://localhost:{}", address.port())).join(",");
    let transport = transport(&urls, folder.path(), "envoy");
    for _ in 0..10 {
        health(&transport).await.unwrap();
    }
    drop(stop);
    let gone = async { while health(&transport).await.is_ok() {} };
    tokio::time::timeout(TIMEOUT, gone).await.unwrap();
    let (_, _stop) = start(folder.path(), &address.to_string(), defaults()).await;
    let back = async { while health(&transport).await.is_err() {} };
    tokio::time::timeout(TIMEOUT, back).await.expect("the address is used again");
}

#[tokio::test]
async fn errors_of_the_files_are_reported() {
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
