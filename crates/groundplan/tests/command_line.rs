//! The command line as people and programs run it, without a running suite.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking, too")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

fn run(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_groundplan"));
    command.env_clear().env("PATH", "/usr/bin:/bin").env("GROUNDPLAN_DATA", directory.join("data"));
    command.args(arguments).current_dir(directory).stdin(Stdio::null()).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Creates a folder with a model, and returns it with a free port.
fn folder() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("models")).unwrap();
    fs::write(folder.path().join("models/a.proto"), "syntax = \"proto3\";").unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    (folder, port.to_string())
}

#[test]
fn plan_and_apply_print_errors_as_json() {
    let (folder, port) = folder();
    let address = format!("--address=http://127.0.0.1:{port}");
    for command in ["plan", "apply"] {
        for (arguments, words) in [
            (vec!["nowhere"], "nowhere"),
            (vec!["models", &address], "API_KEY"),
            (vec!["models", &address, "--api-key=k"], "no suite responds"),
        ] {
            let output = run(folder.path(), &[&[command, "--output=json"], arguments.as_slice()].concat());
            assert!(!output.status.success());
            let said = stdout(&output);
            assert!(said.starts_with(r#"{"error":{"message":""#) && said.contains(words), "{command}: {said}");
            assert_eq!(said.lines().count(), 1, "{said}");
        }
    }
}

#[test]
fn other_servers_are_recognized() {
    let (folder, _) = folder();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("--address=http://{}", server.local_addr().unwrap());
    // HTTP/2 of another server: settings, their acknowledgement, and `:status: 404` that ends stream 1.
    let answer = [&[0, 0, 0, 4, 0, 0, 0, 0, 0][..], &[0, 0, 0, 4, 1, 0, 0, 0, 0], &[0, 0, 1, 1, 5, 0, 0, 0, 1, 0x8d]];
    let stranger = std::thread::spawn(move || {
        let (mut stream, _) = server.accept().unwrap();
        let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
        // Read until the end of the request headers, which contain the path.
        while !request.windows(16).any(|part| part == b"application/grpc") && request.len() < 200 {
            let read = stream.read(&mut buffer).unwrap();
            request.extend_from_slice(buffer.get(..read).unwrap());
        }
        stream.write_all(&answer.concat()).unwrap();
        let _ = stream.read_to_end(&mut request);
    });
    let output = run(folder.path(), &["plan", "models", "--api-key=k", &address]);
    let said = stderr(&output);
    assert!(said.contains("is not a Groundplan suite") && said.contains("GROUNDPLAN_ADDRESS"), "{said}");
    stranger.join().unwrap();
}

#[test]
fn a_failed_start_neither_shows_nor_stores_a_key() {
    let (folder, port) = folder();
    let port = format!("--port={port}");
    let output = run(folder.path(), &["up", &port, "--db-url=postgres://a@127.0.0.1:1/b"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("DB_URL"), "{}", stderr(&output));
    assert_eq!(stdout(&output), "");
    assert!(!folder.path().join("data/api-key").exists());
}

#[test]
fn an_invalid_key_is_reported_before_the_database_is_created() {
    let (folder, port) = folder();
    let (port, data) = (format!("--port={port}"), folder.path().join("data"));
    fs::create_dir(&data).unwrap();
    let refused = |arguments: &[&str], words: &str| {
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
        assert_eq!(stdout(&output), "");
        assert!(!data.join("postgres").exists());
    };
    refused(&["up", &port, "--api-key=two words"], "API_KEY");
    refused(&["up", &port, "--api-key=x"], "openssl rand -hex 32");
    fs::write(data.join("api-key"), "").unwrap();
    refused(&["up", &port], "api-key");
    fs::write(data.join("api-key"), "too-short").unwrap();
    refused(&["up", &port], "remove that file");
    fs::remove_file(data.join("api-key")).unwrap();
    fs::create_dir(data.join("api-key")).unwrap();
    refused(&["up", &port], "is not a file");
}

#[test]
fn a_key_that_others_can_read_is_reported_with_a_remedy() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, port) = folder();
    let (port, data) = (format!("--port={port}"), folder.path().join("data"));
    fs::create_dir(&data).unwrap();
    fs::write(data.join("api-key"), "q7mUe0yDk4pXr2vT9aLsWc6nHjZbF1gOxI8uE3wYt5M").unwrap();
    for (mode, warned) in [(0o644, true), (0o600, false)] {
        fs::set_permissions(data.join("api-key"), fs::Permissions::from_mode(mode)).unwrap();
        let output = run(folder.path(), &["up", &port, "--db-url=postgres://a@127.0.0.1:1/b"]);
        assert_eq!(stderr(&output).contains("chmod 600"), warned, "{}", stderr(&output));
    }
}
