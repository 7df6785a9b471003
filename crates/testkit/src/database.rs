//! A database for one test.

use crate::server;
use diesel_async::{AsyncConnection as _, AsyncPgConnection};
use groundplan_chassis::settings::Secret;
use std::sync::atomic::{AtomicU32, Ordering};

/// A fresh, empty database on a PostgreSQL that belongs to the test process: no test knows of another. It goes when the
/// process does, however that ends.
#[derive(Debug)]
pub struct TestDatabase {
    url: Secret,
}

impl TestDatabase {
    /// Makes a database; the first one of a process starts its server.
    ///
    /// # Panics
    /// When there is no PostgreSQL to start; the message says how to get it.
    pub async fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let server = server::process_server().url();
        let (client, connection) = tokio_postgres::connect(server.expose(), tokio_postgres::NoTls)
            .await
            .expect("the test server takes connections");
        let driver = tokio::spawn(connection);
        client.batch_execute(&format!("CREATE DATABASE {name}")).await.expect("the test server makes databases");
        drop(client);
        // Its end is the connection's end.
        let _ = driver.await;
        let (base, _) = server.expose().rsplit_once('/').expect("a URL has a database");
        Self { url: Secret::new(format!("{base}/{name}")) }
    }

    /// How to connect, as a `DB_URL`.
    pub fn url(&self) -> Secret {
        self.url.clone()
    }

    /// Opens a connection.
    ///
    /// # Panics
    /// When the server is gone.
    pub async fn connect(&self) -> AsyncPgConnection {
        AsyncPgConnection::establish(self.url.expose()).await.expect("the test server takes connections")
    }
}
