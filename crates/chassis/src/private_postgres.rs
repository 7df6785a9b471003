//! A private PostgreSQL for `up` and for tests: only its programs must be installed, and nothing must be configured.
//!
//! It listens only on a unix socket in a directory that other users cannot enter, and authenticates callers by their operating
//! system user (`peer`). Started by root, it runs as the user `postgres`. One process uses a directory at a time. If that process
//! is killed, its PostgreSQL continues, and the next process takes it over.

mod binaries;
mod cluster;
mod directory;
mod files;
mod owner;
mod process;
mod supervise;

use crate::settings::{PostgresSettings, Secret};
use binaries::Binaries;
use cluster::Cluster;
use directory::Directory;
use groundplan_error::{Error, Reason};
use owner::Owner;
use sha2::{Digest as _, Sha256};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use tokio_util::sync::CancellationToken;

/// The name of the database user, of the database, and of the private PostgreSQL in messages.
const NAME: &str = "groundplan";

/// A running private PostgreSQL. Dropping it leaves the server running, for the next process to take over; [`Self::stop`] stops
/// it.
#[derive(Debug)]
pub struct PrivatePostgres {
    cluster: Cluster,
    /// Held while this process uses the directory.
    _lock: File,
}

/// The data that a crash of the machine can lose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Nothing: committed data is on disk.
    Full,
    /// Everything; several times faster, for tests.
    None,
}

impl PrivatePostgres {
    /// Starts the PostgreSQL of `directory`, or takes over the one of a killed process. Creates the directory and the data if
    /// they do not exist.
    pub async fn start(directory: &Path, settings: &PostgresSettings) -> Result<Self, Error> {
        Self::start_with(directory, settings, Durability::Full).await
    }

    /// Starts a PostgreSQL without durability.
    pub async fn for_tests(directory: &Path, settings: &PostgresSettings) -> Result<Self, Error> {
        Self::start_with(directory, settings, Durability::None).await
    }

    async fn start_with(directory: &Path, settings: &PostgresSettings, durability: Durability) -> Result<Self, Error> {
        let (cluster, lock) = Self::open(directory, settings, durability).await?;
        cluster.ensure_running().await?;
        cluster.ensure_database().await?;
        Ok(Self { cluster, _lock: lock })
    }

    /// Creates the data of `directory` without starting a server, as a template for tests.
    pub async fn initialise_for_tests(directory: &Path, settings: &PostgresSettings) -> Result<(), Error> {
        Self::open(directory, settings, Durability::None).await.map(drop)
    }

    /// Removes the data of `directory`, so that the next start creates an empty database. Stops a server that a killed process
    /// left running. Returns whether there was anything to remove.
    ///
    /// # Errors
    /// Returns an error while another process uses the directory.
    pub async fn remove(directory: &Path, settings: &PostgresSettings) -> Result<bool, Error> {
        let home = directory.join("postgres");
        if !home.join("data").exists() {
            return Ok(false);
        }
        let (cluster, _lock) = Self::open(directory, settings, Durability::Full).await?;
        if cluster.is_running().await {
            cluster.stop().await?;
        }
        // `remove_dir_all` follows no links.
        std::fs::remove_dir_all(&home)
            .map_err(|cause| postgres_error(format!("cannot remove {}: {cause}", home.display())))?;
        Ok(true)
    }

    /// Locks the directory, finds the programs and creates the data.
    async fn open(
        directory: &Path,
        settings: &PostgresSettings,
        durability: Durability,
    ) -> Result<(Cluster, File), Error> {
        let owner = Owner::detect()?;
        let directory = files::create_base(directory)?;
        owner.check_reach(directory.path())?;
        let lock = lock(&directory)?;
        let home = directory.private_child("postgres", &owner);
        let home = home.map_err(|cause| {
            let place = directory.path().display();
            postgres_error(format!(
                "cannot create the directory postgres in {place}: {cause}; set GROUNDPLAN_DATA to another directory"
            ))
        })?;
        let binaries = Binaries::find(settings.pg_bin.as_deref(), &owner, files::data_version(&home))?;
        let cluster = Cluster::new(home, binaries, owner, durability)?;
        cluster.initialise().await?;
        cluster.configure()?;
        Ok((cluster, lock))
    }

    /// Returns the connection string, as a `DB_URL`. Only this process's user, root and `postgres` can connect.
    pub fn url(&self) -> Secret {
        self.cluster.url(NAME)
    }

    /// Supervises the server until `stop`: restarts it when it dies. It does not return during a restart, so that [`Self::stop`]
    /// can stop the server.
    pub async fn supervise(&self, stop: &CancellationToken) {
        supervise::supervise(&self.cluster, stop).await;
    }

    /// Stops the server, and waits for it. Closes open connections.
    pub async fn stop(self) -> Result<(), Error> {
        self.cluster.stop().await
    }

    /// Returns the default data directory: `.groundplan` in the working directory, or a directory below `/var/lib/groundplan`
    /// that belongs to the working directory if this process is root and the user `postgres` cannot reach the first (in `/root`,
    /// for example).
    pub fn default_directory(working_directory: &Path) -> PathBuf {
        let here = working_directory.join(".groundplan");
        match Owner::detect() {
            Ok(owner) if owner.check_reach(&here).is_err() => {
                Path::new("/var/lib/groundplan").join(short_hash(working_directory))
            }
            _ => here,
        }
    }

    /// Returns the directory of PostgreSQL's programs for a new data directory, and their major version.
    pub fn programs(settings: &PostgresSettings) -> Result<(PathBuf, u32), Error> {
        let binaries = Binaries::find(settings.pg_bin.as_deref(), &Owner::detect()?, None)?;
        Ok((binaries.directory().to_path_buf(), binaries.major()))
    }

    /// Returns the directory with the data and the log.
    pub fn home(&self) -> &Path {
        self.cluster.home()
    }
}

/// Locks the directory against other processes. The kernel releases the lock when the process ends.
fn lock(directory: &Directory) -> Result<File, Error> {
    const NAME: &str = "postgres.lock";
    let path = directory.path().join(NAME);
    let file = directory.lock_file(NAME);
    let file = file.map_err(|cause| postgres_error(format!("cannot open {}: {cause}", path.display())))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(postgres_error(format!(
            "another groundplan uses the data in {}; stop it, or set GROUNDPLAN_DATA to another directory",
            directory.path().display()
        ))),
        Err(TryLockError::Error(cause)) => Err(postgres_error(format!("cannot lock {}: {cause}", path.display()))),
    }
}

/// Returns a short name for a path.
fn short_hash(path: &Path) -> String {
    let digest: [u8; 32] = Sha256::digest(path.as_os_str().as_encoded_bytes()).into();
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Creates an error of the private PostgreSQL.
fn postgres_error(message: impl Into<String>) -> Error {
    Error::new(Reason::DatabaseUnavailable, message)
}
