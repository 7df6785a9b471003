//! A PostgreSQL of one test alone.

use crate::server::{create_data_directory, run, start_server};
use groundplan_chassis::private_postgres::PrivatePostgres;
use groundplan_chassis::settings::Secret;
use std::path::PathBuf;
use std::process::{Child, Command};

/// A PostgreSQL that a test can stop, copy, restore and start again. It goes when this is dropped.
#[derive(Debug)]
pub struct PrivateServer {
    directory: PathBuf,
    url: Secret,
    running: Option<PrivatePostgres>,
    /// Its standard input is the test's sign of life.
    _reaper: Child,
}

impl PrivateServer {
    /// Starts a server.
    ///
    /// # Panics
    /// When there is no PostgreSQL to start; the message says how to get it.
    pub async fn new() -> Self {
        let (directory, reaper) = create_data_directory().await;
        let running = start_server(&directory).await;
        Self { directory, url: running.url(), running: Some(running), _reaper: reaper }
    }

    /// How to connect, as a `DB_URL`.
    pub fn url(&self) -> Secret {
        self.url.clone()
    }

    /// Stops the server. Connections are cut.
    ///
    /// # Panics
    /// When it does not stop.
    pub async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await.map_err(|error| error.log_text()).expect("the server stops");
        }
    }

    /// Starts the server again.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(&mut self) {
        self.running = Some(start_server(&self.directory).await);
    }

    /// Copies the data of the stopped server.
    pub fn copy_data(&self) {
        run(Command::new("cp").arg("-a").arg(self.directory.join("postgres/data")).arg(self.directory.join("copy")));
    }

    /// Puts the copy in the place of the stopped server's data.
    pub fn restore_data(&self) {
        let data = self.directory.join("postgres/data");
        run(Command::new("rm").arg("-rf").arg(&data));
        run(Command::new("cp").arg("-a").arg(self.directory.join("copy")).arg(&data));
    }
}
