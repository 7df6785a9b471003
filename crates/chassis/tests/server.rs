//! Tests of the server on a real socket: both protocols, silent clients, and shutdown.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking, too")]

use axum::Router;
use axum::routing::get;
use groundplan_chassis::mounted_service::grpc_routes;
use groundplan_chassis::server::{Drained, serve};
use groundplan_chassis::settings::{Secret, ServerSettings, defaults};
use groundplan_chassis::transport::{Transport, remote};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

/// Longer than every step here, shorter than the timeout of a test runner.
const TIMEOUT: Duration = Duration::from_secs(20);

struct Running {
    address: SocketAddr,
    stop: CancellationToken,
    serving: JoinHandle<Drained>,
}

async fn start(router: Router, settings: ServerSettings) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
    let stopped = stop.clone();
    let serving = tokio::spawn(async move { serve(listener, router, None, stopped, &settings).await.unwrap() });
    Running { address, stop, serving }
}

impl Running {
    async fn stop(self) -> Drained {
        self.stop.cancel();
        tokio::time::timeout(TIMEOUT, self.serving).await.expect("it stops").unwrap()
    }

    /// Creates a client with the transport of a peer.
    fn client(&self) -> HealthClient<Transport> {
        HealthClient::new(remote(&format!("http://{}", self.address), &Secret::new("key"), None).unwrap())
    }

    /// Sends bytes, and reads until the server closes the connection.
    async fn say(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut response = Vec::new();
        // A reset is a close, too.
        let _ = tokio::time::timeout(TIMEOUT, stream.read_to_end(&mut response)).await.expect("the server closes");
        String::from_utf8_lossy(&response).into_owned()
    }
}

#[tokio::test]
async fn both_protocols_share_a_port() {
    let router = Router::new()
        .route("/hello", get(|| async { "hello" }))
        .merge(grpc_routes(tonic_health::server::health_reporter().1));
    let server = start(router, defaults()).await;
    let response = server.say(b"GET /hello HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    assert!(response.starts_with("HTTP/1.1 200") && response.ends_with("hello"), "{response}");
    // Shorter than the preface of HTTP/2.
    let response = server.say(b"GET / HTTP/1.0\r\n\r\n").await;
    assert!(response.starts_with("HTTP/1.0 404"), "{response}");
    let mut client = server.client();
    client.check(HealthCheckRequest::default()).await.unwrap();
    drop(client);
    assert_eq!(server.stop().await, Drained { cut: 0 });
}

#[tokio::test]
async fn silent_and_incomplete_connections_are_closed() {
    let settings = ServerSettings { header_timeout: Duration::from_millis(100), ..defaults() };
    let server = start(Router::new(), settings).await;
    // Less than the default, so that only the setting can close the connections in time.
    let limit = defaults::<ServerSettings>().header_timeout / 2;
    for half in ["", "P", "PRI * HTTP/2.0\r\n\r\nS", "GET / HTTP/1.1\r\nhost: a\r\nx-slow: "] {
        tokio::time::timeout(limit, server.say(half.as_bytes())).await.expect("the server closes");
    }
    assert_eq!(server.stop().await, Drained { cut: 0 });
}

#[tokio::test]
async fn headers_have_a_limit() {
    let server = start(Router::new(), defaults()).await;
    let long = format!("GET / HTTP/1.1\r\nhost: a\r\nx-long: {}\r\n\r\n", "x".repeat(40 << 10));
    assert!(server.say(long.as_bytes()).await.starts_with("HTTP/1.1 431"));
    server.stop().await;
}

#[tokio::test]
async fn open_calls_finish_before_the_server_stops() {
    let (started, mut has_started) = mpsc::unbounded_channel();
    let (finish, may_finish) = tokio::sync::watch::channel(false);
    let handler = move || {
        let (started, mut may_finish) = (started.clone(), may_finish.clone());
        async move {
            started.send(()).unwrap();
            may_finish.wait_for(|may| *may).await.unwrap();
            "finished"
        }
    };
    let server = start(Router::new().route("/slow", get(handler)), defaults()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    has_started.recv().await.unwrap();
    server.stop.cancel();
    // New connections are rejected from now on.
    let refused = async { while TcpStream::connect(server.address).await.is_ok() {} };
    tokio::time::timeout(TIMEOUT, refused).await.unwrap();
    finish.send_replace(true);
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    assert!(response.ends_with("finished"), "{response}");
    assert_eq!(server.stop().await, Drained { cut: 0 });
}

#[tokio::test]
async fn endless_calls_are_closed_after_the_grace_period() {
    let (started, mut has_started) = mpsc::unbounded_channel();
    let handler = move || {
        started.send(()).unwrap();
        std::future::pending::<()>()
    };
    let settings = ServerSettings { drain_grace: Duration::from_millis(100), ..defaults() };
    let router = Router::new().route("/grpc.health.v1.Health/Check", axum::routing::any(handler));
    let server = start(router, settings).await;
    let mut http1 = TcpStream::connect(server.address).await.unwrap();
    http1.write_all(b"GET /grpc.health.v1.Health/Check HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut client = server.client();
    let http2 = tokio::spawn(async move { client.check(HealthCheckRequest::default()).await });
    has_started.recv().await.unwrap();
    has_started.recv().await.unwrap();
    assert_eq!(server.stop().await, Drained { cut: 2 });
    assert!(http2.await.unwrap().is_err());
}

#[tokio::test]
async fn a_disconnect_ends_the_call() {
    let (ended, mut has_ended) = mpsc::unbounded_channel();
    struct Ended(mpsc::UnboundedSender<()>);
    impl Drop for Ended {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }
    let (started, mut has_started) = mpsc::unbounded_channel();
    let handler = move || {
        let (started, guard) = (started.clone(), Ended(ended.clone()));
        async move {
            started.send(()).unwrap();
            std::future::pending::<()>().await;
            drop(guard);
        }
    };
    let router = Router::new().route("/grpc.health.v1.Health/Check", axum::routing::any(handler));
    let server = start(router, defaults()).await;
    let mut http1 = TcpStream::connect(server.address).await.unwrap();
    http1.write_all(b"GET /grpc.health.v1.Health/Check HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    has_started.recv().await.unwrap();
    drop(http1);
    tokio::time::timeout(TIMEOUT, has_ended.recv()).await.expect("the handler is dropped");
    let mut client = server.client();
    let call = tokio::spawn(async move { client.check(HealthCheckRequest::default()).await });
    has_started.recv().await.unwrap();
    call.abort();
    tokio::time::timeout(TIMEOUT, has_ended.recv()).await.expect("the handler is dropped");
    server.stop().await;
}

#[tokio::test]
async fn connections_of_an_address_are_limited() {
    let settings = ServerSettings { max_connections_per_address: 2, ..defaults() };
    let server = start(Router::new().route("/hello", get(|| async { "hello" })), settings).await;
    let hello = b"GET /hello HTTP/1.1\r\nhost: a\r\n\r\n";
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(hello).await.unwrap();
        assert!(stream.read(&mut [0; 1_000]).await.unwrap() > 0);
        open.push(stream);
    }
    assert_eq!(server.say(b"").await, "");
    open.pop();
    // The server notices a little later.
    let again = async {
        loop {
            let mut stream = TcpStream::connect(server.address).await.unwrap();
            if stream.write_all(hello).await.is_ok() && stream.read(&mut [0; 1_000]).await.is_ok_and(|read| read > 0) {
                break;
            }
        }
    };
    tokio::time::timeout(TIMEOUT, again).await.expect("a connection is admitted again");
    server.stop().await;
}

#[tokio::test]
async fn connections_have_a_maximum_age() {
    let settings = ServerSettings {
        connection_age: Duration::from_millis(200),
        connection_age_grace: Duration::from_millis(200),
        ..defaults()
    };
    let (started, mut has_started) = mpsc::unbounded_channel();
    let handler = move || {
        started.send(()).unwrap();
        std::future::pending::<()>()
    };
    let server =
        start(Router::new().route("/grpc.health.v1.Health/Check", axum::routing::any(handler)), settings).await;
    let mut client = server.client();
    let call = tokio::spawn(async move { client.check(HealthCheckRequest::default()).await });
    has_started.recv().await.unwrap();
    let cut = tokio::time::timeout(TIMEOUT, call).await.expect("the connection is closed").unwrap();
    assert!(cut.is_err());
    // An idle connection is closed immediately.
    let mut quiet = TcpStream::connect(server.address).await.unwrap();
    quiet.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut response = String::new();
    tokio::time::timeout(TIMEOUT, quiet.read_to_string(&mut response))
        .await
        .expect("the connection is closed")
        .unwrap();
    assert!(response.starts_with("HTTP/1.1 404"), "{response}");
    server.stop().await;
}

#[tokio::test]
async fn a_slow_http1_response_is_not_a_stall() {
    let settings = ServerSettings { stall_timeout: Duration::from_millis(50), ..defaults() };
    let pieces = futures_util::stream::unfold(0, |at| async move {
        tokio::time::sleep(Duration::from_millis(100)).await;
        (at < 6).then(|| (Ok::<_, std::io::Error>(axum::body::Bytes::from(format!("piece {at};"))), at + 1))
    });
    let body = std::sync::Mutex::new(Some(axum::body::Body::from_stream(Box::pin(pieces))));
    let body = std::sync::Arc::new(body);
    let handler = move || {
        let body = body.clone();
        async move { body.lock().unwrap().take().unwrap() }
    };
    let server = start(Router::new().route("/slow", get(handler)), settings).await;
    let response = server.say(b"GET /slow HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    assert!(response.contains("piece 5;"), "{response}");
    server.stop().await;
}
