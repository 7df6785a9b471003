//! A database for one test.

use crate::server;
use diesel_async::{AsyncConnection as _, AsyncPgConnection};
use groundplan_chassis::settings::Secret;
use std::sync::atomic::{AtomicU32, Ordering};

/// A new, empty database on a PostgreSQL of the test process, isolated from other tests. It is removed when the process ends,
/// even if it is killed.
#[derive(Debug)]
pub struct TestDatabase {
    url: Secret,
}

impl TestDatabase {
    /// Creates a database; the first one of a process starts its server.
    ///
    /// # Panics
    /// If no PostgreSQL can be started; the message explains how to install it.
    pub async fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let server = server::process_server().url();
        let (client, connection) = tokio_postgres::connect(server.expose(), tokio_postgres::NoTls)
            .await
            .expect("the test server accepts connections");
        let driver = tokio::spawn(connection);
        client.batch_execute(&format!("CREATE DATABASE {name}")).await.expect("the test server creates databases");
        drop(client);
        // The connection ends after the client is dropped.
        let _ = driver.await;
        let (base, _) = server.expose().rsplit_once('/').expect("a URL has a database");
        Self { url: Secret::new(format!("{base}/{name}")) }
    }

    /// Returns the connection string, as a `DB_URL`.
    pub fn url(&self) -> Secret {
        self.url.clone()
    }

    /// Opens a connection.
    ///
    /// # Panics
    /// If the server has stopped.
    pub async fn connect(&self) -> AsyncPgConnection {
        AsyncPgConnection::establish(self.url.expose()).await.expect("the test server accepts connections")
    }
}
