//! TLS to a real PostgreSQL: what is encrypted, who is believed, and what is said when it does not come about.

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

/// Everything but verifying.
const FULL: &str = "sslmode=verify-full&sslrootcert=FOLDER/ca.pem";

/// What TLS a connection of this URL has: `none`, or its version.
async fn tls(url: &Secret) -> String {
    let client = client(url, &defaults()).await.map_err(|error| error.to_string()).unwrap();
    let sql = "SELECT coalesce(version, 'none') FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    client.query_one(sql, &[]).await.unwrap().get(0)
}

/// Why a connection of this URL is refused.
async fn connection_error(url: &Secret) -> String {
    let error = client(url, &defaults()).await.err().unwrap();
    assert_eq!(error.reason(), Reason::DatabaseUnavailable);
    let (said, logged) = (error.to_string(), error.log_text());
    assert!(!said.contains("hunter2") && !logged.contains("hunter2"), "{logged}");
    said
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
async fn every_connection_of_a_service_is_encrypted_and_a_statement_can_be_cancelled() {
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
    // The pool's, the listener's, the canceller's, and the one that asks.
    assert!(count(&database, &format!("SELECT count(*) {OURS} AND ssl")).await >= 4);
    assert_eq!(count(&database, &format!("SELECT count(*) {OURS} AND NOT ssl")).await, 0);
    // A connection that the server has ended is known to be lost, and another one is opened.
    count(&database, &format!("SELECT count(pg_terminate_backend(pid, 5000)) {OURS} AND pid <> pg_backend_pid()"))
        .await;
    assert_eq!(listener.notification().await, None);
    database.ping().await.map_err(|error| error.log_text()).unwrap();
}

#[tokio::test]
async fn there_is_no_tls_on_sockets_of_this_machine() {
    let url = TestDatabase::new().await.url();
    for mode in ["prefer", "verify-full&sslrootcert=/nowhere"] {
        assert_eq!(tls(&Secret::new(format!("{}?sslmode={mode}", url.expose()))).await, "none", "{mode}");
    }
}

#[tokio::test]
async fn as_much_is_asked_of_the_server_as_sslmode_says() {
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
    assert_eq!(tls(&server.url("groundplan", "")).await, "TLSv1.3", "as libpq does");
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
        let said = connection_error(&url).await;
        for word in words {
            let word = word.replace("FOLDER", server.file("").to_str().unwrap().trim_end_matches('/'));
            assert!(said.contains(&word), "{mode} {authority}: no {word} in {said}");
        }
    }
}

#[tokio::test]
async fn users_are_known_by_certificates_and_by_passwords_that_are_bound_to_the_server() {
    let server = Server::start().await;
    let certificate = "sslcert=FOLDER/certified.pem&sslkey=FOLDER/certified.key";
    assert_eq!(tls(&server.url("certified", &format!("{FULL}&{certificate}"))).await, "TLSv1.3");
    let said = connection_error(&server.url("certified", FULL)).await;
    assert!(said.contains("client certificate"), "{said}");
    Authority::make().certify(&server.file("forged"), "certified", &[]);
    let forged = "sslcert=FOLDER/forged.pem&sslkey=FOLDER/forged.key";
    let said = connection_error(&server.url("certified", &format!("{FULL}&{forged}"))).await;
    assert!(said.contains("sslcert and sslkey"), "{said}");
    // Without channel binding that would be refused.
    assert_eq!(tls(&server.url("secretive", "sslmode=require&channel_binding=require")).await, "TLSv1.3");
}

#[tokio::test]
async fn who_shows_a_certificate_must_have_its_key() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::make());
    let file = |name: &str| folder.path().join(name);
    authority.write(&file("ca.pem"));
    authority.certify(&file("server"), "postgres", &["localhost"]);
    authority.certify(&file("another"), "another", &[]);
    let full = format!("verify-full&sslrootcert={}", file("ca.pem").display());
    // The channel binding of passwords stands on that even where nothing else is verified.
    for mode in ["require", &full] {
        let port = impostor::listen(&file("server.pem"), &file("another.key")).await;
        let url = format!("postgres://user:hunter2@localhost:{port}/db?hostaddr=127.0.0.1&sslmode={mode}");
        let said = connection_error(&Secret::new(url)).await;
        assert!(said.contains("invalid peer certificate: BadSignature"), "{said}");
    }
}

#[tokio::test]
async fn files_are_read_again_when_they_change() {
    let server = Server::start().await;
    let database = database(&server.url("groundplan", FULL)).await;
    let ca = server.file("ca.pem");
    let good = fs::read_to_string(&ca).unwrap();
    fs::write(&ca, "nothing of use").unwrap();
    database.dedicated().await.map_err(|error| error.log_text()).expect("what was good before goes on");
    let next = Authority::make();
    next.write(&ca);
    let error = database.dedicated().await.err().unwrap().to_string();
    assert!(error.contains("invalid peer certificate"), "{error}");
    fs::write(&ca, format!("{}{good}", fs::read_to_string(&ca).unwrap())).unwrap();
    database.dedicated().await.expect("both are believed");
    next.certify(&server.file("next"), "postgres", &["localhost"]);
    server.show("next");
    server.restart();
    database.dedicated().await.expect("and so the server's can be replaced");
}

#[tokio::test]
async fn servers_are_taken_as_they_are() {
    let server = Server::start().await;
    // Its certificate is its own authority.
    authority::self_signed(&server.file("itself"), &["localhost"]);
    server.show("itself");
    server.restart();
    let itself = server.url("groundplan", "sslmode=verify-full&sslrootcert=FOLDER/itself.pem");
    assert_eq!(tls(&itself).await, "TLSv1.3");
    authority::self_signed(&server.file("other"), &["localhost"]);
    let said = connection_error(&server.url("groundplan", "sslmode=verify-ca&sslrootcert=FOLDER/other.pem")).await;
    assert!(said.contains("other.pem"), "{said}");
    // It knows no TLS 1.3.
    let mut connection = database(&itself).await.dedicated().await.unwrap();
    server.set(&mut connection, "ssl_max_protocol_version = 'TLSv1.2'").await;
    assert_eq!(tls(&itself).await, "TLSv1.2");
    // It wants none for one user.
    for mode in ["prefer", "allow", "disable"] {
        assert_eq!(tls(&server.url("open", &format!("sslmode={mode}"))).await, "none", "{mode}");
    }
    let said = connection_error(&server.url("open", "sslmode=require")).await;
    assert!(said.contains("no pg_hba.conf entry"), "{said}");
    // It has none.
    let mut connection = database(&itself).await.dedicated().await.unwrap();
    server.set(&mut connection, "ssl = off").await;
    assert_eq!(tls(&server.url("open", "sslmode=prefer")).await, "none");
    let said = connection_error(&itself).await;
    assert!(said.contains("does not support TLS") && said.contains("sslmode=disable"), "{said}");
}
