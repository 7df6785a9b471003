//! Tests of the private PostgreSQL with real programs, kills and leftover files.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking, too")]

#[path = "private_postgres/links.rs"]
mod links;

use groundplan_chassis::private_postgres::PrivatePostgres;
use groundplan_chassis::settings::{PostgresSettings, Secret, defaults};
use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

fn settings() -> PostgresSettings {
    defaults()
}

fn directory() -> TempDir {
    let directory = tempfile::Builder::new().prefix("groundplan-pg-").tempdir_in("/tmp").unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o711)).unwrap();
    directory
}

async fn ask(url: &Secret, sql: &str) -> Result<String, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url.expose(), tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    let row = client.query_one(sql, &[]).await?;
    row.try_get(0)
}

fn postmaster(directory: &Path) -> String {
    let noted = fs::read_to_string(directory.join("postgres/data/postmaster.pid")).unwrap();
    noted.lines().next().unwrap().to_owned()
}

fn kill(process: &str) {
    assert!(Command::new("kill").args(["-9", process]).status().unwrap().success());
}

#[tokio::test]
async fn it_starts_and_stops_and_keeps_data() {
    let directory = directory();
    let postgres = PrivatePostgres::start(directory.path(), &settings()).await.unwrap();
    ask(&postgres.url(), "CREATE TABLE kept (); SELECT 1").await.unwrap_err();
    let (client, connection) = tokio_postgres::connect(postgres.url().expose(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("CREATE TABLE kept (note text); INSERT INTO kept VALUES ('a note')").await.unwrap();
    for (setting, expected) in [
        ("listen_addresses", ""),
        ("data_checksums", "on"),
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("server_encoding", "UTF8"),
        ("max_connections", "200"),
    ] {
        let value = ask(&postgres.url(), &format!("SELECT current_setting('{setting}')")).await.unwrap();
        assert_eq!(value, expected, "{setting}");
    }
    assert_eq!(
        ask(&postgres.url(), "SELECT datcollate::text FROM pg_database WHERE datname = current_database()")
            .await
            .unwrap(),
        "C.UTF-8"
    );
    let home = fs::metadata(postgres.home()).unwrap();
    assert_eq!(home.mode() & 0o777, 0o700, "other users cannot enter");
    assert_ne!(home.uid(), 0, "root switches to another user");
    assert!(fs::metadata(postgres.home().join(".s.PGSQL.5432")).unwrap().file_type().is_socket());
    let url = postgres.url();
    postgres.stop().await.unwrap();
    assert!(ask(&url, "SELECT 'up'").await.is_err());

    let postgres = PrivatePostgres::start(directory.path(), &settings()).await.unwrap();
    assert_eq!(ask(&postgres.url(), "SELECT note FROM kept").await.unwrap(), "a note");
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn a_directory_is_locked_and_the_server_of_a_killed_process_is_taken_over() {
    let directory = directory();
    let postgres = PrivatePostgres::for_tests(directory.path(), &settings()).await.unwrap();
    let process = postmaster(directory.path());
    let error = PrivatePostgres::for_tests(directory.path(), &settings()).await.unwrap_err().to_string();
    assert!(error.contains("another groundplan") && error.contains("GROUNDPLAN_DATA"), "{error}");
    // Like a SIGKILL, dropping it releases the lock and leaves the server running.
    drop(postgres);
    let postgres = PrivatePostgres::for_tests(directory.path(), &settings()).await.unwrap();
    assert_eq!(postmaster(directory.path()), process, "the same server");
    // The server must reload the settings.
    let read = "SELECT (pg_conf_load_time() > pg_postmaster_start_time())::text";
    let reading = async {
        while ask(&postgres.url(), read).await.unwrap() != "true" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), reading).await.expect("the server reloads its settings");
    assert_eq!(ask(&postgres.url(), "SELECT 'up'").await.unwrap(), "up");
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn a_killed_server_is_restarted() {
    let directory = directory();
    let postgres = PrivatePostgres::for_tests(directory.path(), &settings()).await.unwrap();
    let url = postgres.url();
    // The process of a busy connection outlives its server for a moment.
    let busy = tokio::spawn(async move { ask(&url, "SELECT pg_sleep(1)::text").await });
    tokio::task::yield_now().await;
    kill(&postmaster(directory.path()));
    drop(postgres);
    let postgres = PrivatePostgres::for_tests(directory.path(), &settings()).await.unwrap();
    assert_eq!(ask(&postgres.url(), "SELECT 'up'").await.unwrap(), "up");
    let _ = busy.await;
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn a_supervised_server_is_restarted_with_its_committed_data() {
    let directory = directory();
    let postgres = Arc::new(PrivatePostgres::start(directory.path(), &settings()).await.unwrap());
    let url = postgres.url();
    let stop = CancellationToken::new();
    let watching = {
        let (postgres, stop) = (Arc::clone(&postgres), stop.clone());
        tokio::spawn(async move { postgres.supervise(&stop).await })
    };
    let (client, connection) = tokio_postgres::connect(url.expose(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("CREATE TABLE kept (note text)").await.unwrap();
    for round in 1..=2_i64 {
        ask(&url, "INSERT INTO kept VALUES ('a note') RETURNING note").await.unwrap();
        let process = postmaster(directory.path());
        kill(&process);
        let count = async {
            loop {
                match ask(&url, "SELECT count(*)::text FROM kept").await {
                    Ok(count) if postmaster(directory.path()) != process => return count,
                    _ => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        };
        let count = tokio::time::timeout(Duration::from_secs(60), count).await.expect("the server is restarted");
        assert_eq!(count, round.to_string());
    }
    stop.cancel();
    watching.await.unwrap();
    Arc::into_inner(postgres).unwrap().stop().await.unwrap();
    assert!(ask(&url, "SELECT 'up'").await.is_err(), "a stopped server is not restarted");
}

#[tokio::test]
async fn the_log_has_no_values_of_records() {
    let directory = directory();
    let postgres = PrivatePostgres::for_tests(directory.path(), &settings()).await.unwrap();
    let (client, connection) = tokio_postgres::connect(postgres.url().expose(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("CREATE TABLE secrets (word text UNIQUE, number int CHECK (number > 0))").await.unwrap();
    let insert = "INSERT INTO secrets VALUES ($1, $2)";
    client.execute(insert, &[&"canary-word", &1]).await.unwrap();
    client.execute(insert, &[&"canary-word", &1]).await.unwrap_err();
    client.execute(insert, &[&"canary-other", &-1]).await.unwrap_err();
    client.batch_execute("SELECT 'canary-statement', 1 / 0").await.unwrap_err();
    postgres.stop().await.unwrap();
    let log = fs::read_to_string(directory.path().join("postgres/server.log")).unwrap();
    assert!(log.contains("duplicate key") && log.contains("division by zero"), "{log}");
    for trace in ["canary-word", "canary-other", "canary-statement", "DETAIL", "STATEMENT"] {
        assert!(!log.contains(trace), "{trace}: {log}");
    }
}

#[tokio::test]
async fn a_recorded_pid_of_another_process_does_not_prevent_a_start() {
    let directory = directory();
    let postgres = PrivatePostgres::for_tests(directory.path(), &settings()).await.unwrap();
    kill(&postmaster(directory.path()));
    drop(postgres);
    // The recorded process id is that of this process.
    let note = directory.path().join("postgres/data/postmaster.pid");
    let text = fs::read_to_string(&note).unwrap();
    let rest = text.split_once('\n').unwrap().1;
    fs::write(&note, format!("{}\n{rest}", std::process::id())).unwrap();
    let postgres = PrivatePostgres::for_tests(directory.path(), &settings()).await.unwrap();
    assert_eq!(ask(&postgres.url(), "SELECT 'up'").await.unwrap(), "up");
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn moved_directories_and_partial_data_do_not_prevent_a_start() {
    let (directory, elsewhere) = (directory(), directory());
    // The remains of a kill during initdb.
    fs::create_dir_all(directory.path().join("postgres/data.new/base")).unwrap();
    let postgres = PrivatePostgres::for_tests(directory.path(), &settings()).await.unwrap();
    drop(postgres);
    let moved = elsewhere.path().join("moved");
    fs::create_dir(&moved).unwrap();
    fs::rename(directory.path().join("postgres"), moved.join("postgres")).unwrap();
    let postgres = PrivatePostgres::for_tests(&moved, &settings()).await.unwrap();
    assert_eq!(ask(&postgres.url(), "SELECT 'up'").await.unwrap(), "up");
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn a_very_long_path_works() {
    let directory = directory();
    let long = directory.path().join("a-directory-with-a-long-name".repeat(5)).join("and, quotes' and spaces");
    let postgres = PrivatePostgres::for_tests(&long, &settings()).await.unwrap();
    assert_eq!(ask(&postgres.url(), "SELECT 'up'").await.unwrap(), "up");
    let socket = ask(&postgres.url(), "SELECT current_setting('unix_socket_directories')").await.unwrap();
    postgres.stop().await.unwrap();
    fs::remove_dir_all(socket).unwrap();
}

#[tokio::test]
async fn other_versions_and_missing_programs_are_explained() {
    let directory = directory();
    let nothing = PostgresSettings { pg_bin: Some(directory.path().to_path_buf()), ..settings() };
    let error = PrivatePostgres::start(directory.path(), &nothing).await.unwrap_err().to_string();
    assert!(error.contains("apt-get install postgresql"), "{error}");
    fs::create_dir_all(directory.path().join("postgres/data")).unwrap();
    fs::write(directory.path().join("postgres/data/PG_VERSION"), "9\n").unwrap();
    let error = PrivatePostgres::start(directory.path(), &settings()).await.unwrap_err().to_string();
    assert!(error.contains("PostgreSQL 9") && error.contains("pg_upgrade"), "{error}");
}

#[test]
fn postgres_can_reach_the_default_directory() {
    let reachable = directory();
    assert_eq!(PrivatePostgres::default_directory(reachable.path()), reachable.path().join(".groundplan"));
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let closed = tempfile::tempdir().unwrap();
    fs::set_permissions(closed.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let chosen = PrivatePostgres::default_directory(closed.path());
    assert_eq!(chosen.starts_with("/var/lib/groundplan"), is_root, "{}", chosen.display());
}
