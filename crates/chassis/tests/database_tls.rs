//! Tests of TLS to a real PostgreSQL: encryption, verification, and errors.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking, too")]

#[path = "database_tls/authority.rs"]
mod authority;
#[path = "database_tls/impostor.rs"]
mod impostor;
#[path = "tls/pem.rs"]
mod pem;
#[path = "database_tls/server.rs"]
mod server;

use authority::Authority;
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use groundplan_chassis::database::{Bind, Columns as _, Database, Sql, client, rows};
use groundplan_chassis::settings::{DatabaseSettings, Secret, defaults};
use groundplan_error::Reason;
use groundplan_testkit::TestDatabase;
use server::Server;
use std::fs;
use std::time::Duration;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("tests/migrations");

/// The parameters of full verification.
const FULL: &str = "sslmode=verify-full&sslrootcert=FOLDER/ca.pem";

/// Returns the TLS version of a connection, or `none`.
async fn tls(url: &Secret) -> String {
    let client = client(url, &defaults()).await.map_err(|error| error.to_string()).unwrap();
    let sql = "SELECT coalesce(version, 'none') FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    client.query_one(sql, &[]).await.unwrap().get(0)
}

/// Returns the error of a connection.
async fn connection_error(url: &Secret) -> String {
    let error = client(url, &defaults()).await.err().unwrap();
    assert_eq!(error.reason(), Reason::DatabaseUnavailable);
    let (message, logged) = (error.to_string(), error.log_text());
    assert!(!message.contains("hunter2") && !logged.contains("hunter2"), "{logged}");
    message
}

async fn database(url: &Secret) -> Database {
    Database::connect(url, "groundplan_test", &DatabaseSettings { db_pool_size: 1, ..defaults() }).await.unwrap()
}

async fn count(database: &Database, sql: &str) -> i64 {
    let sql = Sql::new(sql);
    let mut connection = database.dedicated().await.unwrap();
    rows(&mut connection, &sql, &[]).await.unwrap().remove(0).i64(0).unwrap().unwrap()
}

async fn wait_for_count(database: &Database, sql: &str, expected: i64) {
    let waiting = async {
        while count(database, sql).await != expected {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.unwrap();
}

#[tokio::test]
async fn all_connections_are_encrypted_and_statements_can_be_cancelled() {
    const SLEEPING: &str = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep%' \
                            AND pid <> pg_backend_pid()";
    const OURS: &str = "FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name LIKE 'groundplan-%'";
    let server = Server::start().await;
    let database = database(&server.url("groundplan", FULL)).await;
    database.migrate(MIGRATIONS).await.unwrap();
    let mut listener = database.listen("channel").await.unwrap();
    listener.notify("heard").await.unwrap();
    assert_eq!(listener.notification().await.as_deref(), Some("heard"));
    let sleeper = database.clone();
    let call = tokio::spawn(async move {
        let (sql, seconds) = (Sql::new("SELECT pg_sleep(?)"), [Bind::f64(600.0)]);
        let mut lease = sleeper.lease().await.unwrap();
        lease.run(async |connection| rows(connection, &sql, &seconds).await.map(drop)).await
    });
    wait_for_count(&database, SLEEPING, 1).await;
    call.abort();
    wait_for_count(&database, SLEEPING, 0).await;
    // Those of the pool, the listener, the canceller, and this query.
    assert!(count(&database, &format!("SELECT count(*) {OURS} AND ssl")).await >= 4);
    assert_eq!(count(&database, &format!("SELECT count(*) {OURS} AND NOT ssl")).await, 0);
    // A connection that the server has closed is detected, and another one is opened.
    count(&database, &format!("SELECT count(pg_terminate_backend(pid, 5000)) {OURS} AND pid <> pg_backend_pid()"))
        .await;
    assert_eq!(listener.notification().await, None);
    database.ping().await.map_err(|error| error.log_text()).unwrap();
}

#[tokio::test]
async fn unix_sockets_do_not_use_tls() {
    let url = TestDatabase::new().await.url();
    for mode in ["prefer", "verify-full&sslrootcert=/nowhere"] {
        assert_eq!(tls(&Secret::new(format!("{}?sslmode={mode}", url.expose()))).await, "none", "{mode}");
    }
}

#[tokio::test]
async fn servers_are_verified_as_sslmode_requires() {
    let server = Server::start().await;
    let stranger = Authority::make();
    stranger.write(&server.file("stranger.pem"));
    fs::copy(server.file("server.key"), server.file("ca.key")).unwrap();
    let (right, wrong) = ("sslrootcert=FOLDER/ca.pem", "sslrootcert=FOLDER/stranger.pem");
    for (host, mode, authority) in [
        ("127.0.0.1", "prefer", ""),
        ("127.0.0.1", "require", ""),
        ("127.0.0.1", "allow", ""),
        ("127.0.0.1", "require", right),
        ("127.0.0.1", "verify-ca", right),
        ("localhost", "verify-full", right),
    ] {
        let url = server.url_of(host, "groundplan", &format!("hostaddr=127.0.0.1&sslmode={mode}&{authority}"));
        assert_eq!(tls(&url).await, "TLSv1.3", "{mode} {authority}");
    }
    assert_eq!(tls(&server.url("groundplan", "")).await, "TLSv1.3", "the default of libpq");
    for (host, mode, authority, words) in [
        ("127.0.0.1", "verify-full", right, ["not valid for name \"127.0.0.1\"", "\"localhost\"", "sslmode=verify-ca"]),
        ("localhost", "verify-full", wrong, ["invalid peer certificate", "stranger.pem", "sslrootcert"]),
        ("localhost", "verify-ca", wrong, ["invalid peer certificate", "stranger.pem", "sslrootcert"]),
        ("localhost", "require", wrong, ["invalid peer certificate", "stranger.pem", "sslrootcert"]),
        ("localhost", "verify-full", "sslrootcert=system", ["invalid peer certificate", "the system", "sslrootcert"]),
        ("localhost", "disable", "", ["no pg_hba.conf entry", "no encryption", "127.0.0.1"]),
        ("localhost", "prefer", wrong, ["invalid peer certificate", "then: ", "no encryption"]),
        ("localhost", "on", "", ["sslmode", "verify-full", "DB_URL"]),
        ("localhost", "verify-full", "", ["sslrootcert", "PEM", "DB_URL"]),
        ("localhost", "verify-ca", "sslrootcert=FOLDER/none", ["sslrootcert", "FOLDER/none", "No such file"]),
        ("localhost", "verify-ca", "sslrootcert=FOLDER/ca.key", ["sslrootcert", "FOLDER/ca.key", "no certificate"]),
        ("localhost", "require", "sslcert=FOLDER/ca.pem", ["sslcert", "sslkey", "DB_URL"]),
        (
            "localhost",
            "require",
            "sslcert=FOLDER/ca.pem&sslkey=FOLDER/ca.pem",
            ["sslkey", "ca.pem", "no unencrypted private key"],
        ),
        ("localhost", "require", "sslcert=FOLDER/ca.pem&sslkey=FOLDER/ca.key", ["sslcert", "ca.key", "does not match"]),
    ] {
        let url = server.url_of(host, "groundplan", &format!("hostaddr=127.0.0.1&sslmode={mode}&{authority}"));
        let message = connection_error(&url).await;
        for word in words {
            let word = word.replace("FOLDER", server.file("").to_str().unwrap().trim_end_matches('/'));
            assert!(message.contains(&word), "{mode} {authority}: no {word} in {message}");
        }
    }
}

#[tokio::test]
async fn users_authenticate_by_certificate_and_by_channel_bound_password() {
    let server = Server::start().await;
    let certificate = "sslcert=FOLDER/certified.pem&sslkey=FOLDER/certified.key";
    assert_eq!(tls(&server.url("certified", &format!("{FULL}&{certificate}"))).await, "TLSv1.3");
    let message = connection_error(&server.url("certified", FULL)).await;
    assert!(message.contains("client certificate"), "{message}");
    Authority::make().certify(&server.file("forged"), "certified", &[]);
    let forged = "sslcert=FOLDER/forged.pem&sslkey=FOLDER/forged.key";
    let message = connection_error(&server.url("certified", &format!("{FULL}&{forged}"))).await;
    assert!(message.contains("sslcert and sslkey"), "{message}");
    // Without channel binding this would be rejected.
    assert_eq!(tls(&server.url("secretive", "sslmode=require&channel_binding=require")).await, "TLSv1.3");
}

#[tokio::test]
async fn a_certificate_without_its_key_is_rejected() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::make());
    let file = |name: &str| folder.path().join(name);
    authority.write(&file("ca.pem"));
    authority.certify(&file("server"), "postgres", &["localhost"]);
    authority.certify(&file("another"), "another", &[]);
    let full = format!("verify-full&sslrootcert={}", file("ca.pem").display());
    // The channel binding of passwords depends on it even if nothing else is verified.
    for mode in ["require", &full] {
        let port = impostor::listen(&file("server.pem"), &file("another.key")).await;
        let url = format!("postgres://user:hunter2@localhost:{port}/db?hostaddr=127.0.0.1&sslmode={mode}");
        let message = connection_error(&Secret::new(url)).await;
        assert!(message.contains("invalid peer certificate: BadSignature"), "{message}");
    }
}

#[tokio::test]
async fn changed_files_are_read_again() {
    let server = Server::start().await;
    let database = database(&server.url("groundplan", FULL)).await;
    let ca = server.file("ca.pem");
    let good = fs::read_to_string(&ca).unwrap();
    fs::write(&ca, "invalid").unwrap();
    database.dedicated().await.map_err(|error| error.log_text()).expect("the previous configuration stays in use");
    let next = Authority::make();
    next.write(&ca);
    let error = database.dedicated().await.err().unwrap().to_string();
    assert!(error.contains("invalid peer certificate"), "{error}");
    fs::write(&ca, format!("{}{good}", fs::read_to_string(&ca).unwrap())).unwrap();
    database.dedicated().await.expect("both authorities are trusted");
    next.certify(&server.file("next"), "postgres", &["localhost"]);
    server.show("next");
    server.restart();
    database.dedicated().await.expect("the server's certificate can be replaced");
}

#[tokio::test]
async fn servers_with_other_tls_settings_are_supported() {
    let server = Server::start().await;
    // Its certificate is self-signed.
    authority::self_signed(&server.file("itself"), &["localhost"]);
    server.show("itself");
    server.restart();
    let itself = server.url("groundplan", "sslmode=verify-full&sslrootcert=FOLDER/itself.pem");
    assert_eq!(tls(&itself).await, "TLSv1.3");
    authority::self_signed(&server.file("other"), &["localhost"]);
    let message = connection_error(&server.url("groundplan", "sslmode=verify-ca&sslrootcert=FOLDER/other.pem")).await;
    assert!(message.contains("other.pem"), "{message}");
    // The server supports only TLS 1.2.
    let mut connection = database(&itself).await.dedicated().await.unwrap();
    server.set(&mut connection, "ssl_max_protocol_version = 'TLSv1.2'").await;
    assert_eq!(tls(&itself).await, "TLSv1.2");
    // The server rejects TLS for one user.
    for mode in ["prefer", "allow", "disable"] {
        assert_eq!(tls(&server.url("open", &format!("sslmode={mode}"))).await, "none", "{mode}");
    }
    let message = connection_error(&server.url("open", "sslmode=require")).await;
    assert!(message.contains("no pg_hba.conf entry"), "{message}");
    // The server does not support TLS.
    let mut connection = database(&itself).await.dedicated().await.unwrap();
    server.set(&mut connection, "ssl = off").await;
    assert_eq!(tls(&server.url("open", "sslmode=prefer")).await, "none");
    let message = connection_error(&itself).await;
    assert!(message.contains("does not support TLS") && message.contains("sslmode=disable"), "{message}");
}
