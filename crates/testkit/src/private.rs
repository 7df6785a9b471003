//! A PostgreSQL for one test.

use crate::server::{create_data_directory, run, start_server};
use groundplan_chassis::private_postgres::PrivatePostgres;
use groundplan_chassis::settings::Secret;
use std::path::PathBuf;
use std::process::{Child, Command};

/// A PostgreSQL that a test can stop, copy, restore and start again. Dropping it removes it.
#[derive(Debug)]
pub struct PrivateServer {
    directory: PathBuf,
    url: Secret,
    running: Option<PrivatePostgres>,
    /// The reaper removes the server when this process closes the reaper's standard input.
    _reaper: Child,
}

impl PrivateServer {
    /// Starts a server.
    ///
    /// # Panics
    /// If no PostgreSQL can be started; the message explains how to install it.
    pub async fn new() -> Self {
        let (directory, reaper) = create_data_directory().await;
        let running = start_server(&directory).await;
        Self { directory, url: running.url(), running: Some(running), _reaper: reaper }
    }

    /// Returns the connection string, as a `DB_URL`.
    pub fn url(&self) -> Secret {
        self.url.clone()
    }

    /// Stops the server and closes its connections.
    ///
    /// # Panics
    /// If it does not stop.
    pub async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await.map_err(|error| error.log_text()).expect("the server stops");
        }
    }

    /// Starts the server again.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start(&mut self) {
        self.running = Some(start_server(&self.directory).await);
    }

    /// Copies the data of the stopped server.
    pub fn copy_data(&self) {
        run(Command::new("cp").arg("-a").arg(self.directory.join("postgres/data")).arg(self.directory.join("copy")));
    }

    /// Replaces the data of the stopped server with the copy.
    pub fn restore_data(&self) {
        let data = self.directory.join("postgres/data");
        run(Command::new("rm").arg("-rf").arg(&data));
        run(Command::new("cp").arg("-a").arg(self.directory.join("copy")).arg(&data));
    }
}
