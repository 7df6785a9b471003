//! Checks of the port and of a running suite.

use super::finding::Finding;
use crate::client::{Client, new_schema_client};
use groundplan_chassis::settings::{Secret, ServerSettings};
use groundplan_proto::schema::v1::{GetRevisionRequest, Revision};
use std::io::ErrorKind;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tonic::{Code, Status};

/// The longest wait for a suite on this machine.
const SUITE_TIMEOUT: Duration = Duration::from_secs(5);

/// Checks whether PORT is free, or served by a suite.
pub(super) async fn port(settings: &ServerSettings) -> Finding {
    const CHECK: &str = "port";
    let (listen, port) = (settings.listen, settings.port);
    match TcpListener::bind((listen, port)).await {
        Ok(_) => Finding::ok(CHECK, format!("{port} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            match tokio::time::timeout(SUITE_TIMEOUT, is_suite(settings)).await {
                Ok(Ok(true)) => Finding::ok(CHECK, format!("{port} is served by a suite")),
                _ => Finding::fail(CHECK, format!("{port} is taken by another program"), "stop that one, or set PORT"),
            }
        }
        Err(error) => {
            Finding::fail(CHECK, format!("cannot listen on {listen}:{port}: {error}"), "set PORT or GROUNDPLAN_LISTEN")
        }
    }
}

/// Checks whether the server on the port responds like a running suite.
async fn is_suite(settings: &ServerSettings) -> std::io::Result<bool> {
    let host = match settings.listen {
        all if all.is_unspecified() => std::net::Ipv4Addr::LOCALHOST.into(),
        one => one,
    };
    let mut stream = TcpStream::connect((host, settings.port)).await?;
    stream.write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await?;
    let mut start = [0; 12];
    stream.read_exact(&mut start).await?;
    Ok(&start == b"HTTP/1.1 200")
}

/// Checks whether the suite at GROUNDPLAN_ADDRESS responds and accepts the key, and which revision is live.
pub(super) async fn check(client: &Client) -> Vec<Finding> {
    const CHECK: &str = "suite";
    let address = &client.suite.address;
    let key = client.key();
    // Without a key, any value shows whether a suite responds.
    let request_key = key.as_ref().map_or_else(|_| Secret::new("none"), |(key, _)| key.clone());
    let response = match client.transport(&request_key) {
        Ok(transport) => {
            let call = async move { new_schema_client(transport).get_revision(GetRevisionRequest { number: 0 }).await };
            tokio::time::timeout(SUITE_TIMEOUT, call)
                .await
                .unwrap_or_else(|_| Err(Status::deadline_exceeded("no response in time")))
        }
        Err(error) => return vec![Finding::fail(CHECK, error.message(), "correct GROUNDPLAN_ADDRESS")],
    };
    let reachable = Finding::ok(CHECK, format!("{address} responds"));
    match (response.map(tonic::Response::into_inner), key) {
        (Ok(revision), _) => vec![reachable, key_accepted(), live(&revision)],
        (Err(status), _) if status.code() == Code::NotFound => {
            vec![
                reachable,
                key_accepted(),
                Finding::warn("models", "nothing was ever applied", "groundplan apply FOLDER"),
            ]
        }
        (Err(status), Err(error)) if status.code() == Code::Unauthenticated => {
            vec![reachable, Finding::fail("API key", error.message(), "set API_KEY to the suite's")]
        }
        (Err(status), Ok(_)) if status.code() == Code::Unauthenticated => {
            vec![reachable, Finding::fail("API key", "the suite rejects it", "set API_KEY to the suite's")]
        }
        (Err(status), _) => {
            vec![Finding::warn(
                CHECK,
                client.status_error(&status).message(),
                "start it with `make run` or `groundplan up`",
            )]
        }
    }
}

fn key_accepted() -> Finding {
    Finding::ok("API key", "the suite accepts it")
}

fn live(revision: &Revision) -> Finding {
    Finding::ok("models", format!("revision {} is live", revision.number))
}
