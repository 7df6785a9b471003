//! A PostgreSQL of our own, for `up` and for tests: nothing to install but its programs, nothing to configure.
//!
//! It listens on a unix socket only, in a directory that nobody else can enter, and knows its callers by their operating
//! system user (`peer`). Started by root, it runs as the user `postgres`. One process uses a directory at a time. When
//! that process is killed, its PostgreSQL lives on, and the next one takes it over.

mod binaries;
mod cluster;
mod directory;
mod files;
mod owner;
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

/// The database user, the database, and what the private PostgreSQL is called in messages.
const NAME: &str = "groundplan";

/// A running private PostgreSQL. Dropping it leaves the server running, for the next process to take over; [`Self::stop`]
/// stops it.
#[derive(Debug)]
pub struct PrivatePostgres {
    cluster: Cluster,
    /// Held as long as this process uses the directory.
    _lock: File,
}

/// What a crash of the machine may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Nothing: what was answered is on disk.
    Full,
    /// Everything. For tests: several times faster.
    None,
}

impl PrivatePostgres {
    /// Starts the PostgreSQL of `directory`, or takes over the one that a killed process has left running there. Makes
    /// the directory and the data where they are missing.
    pub async fn start(directory: &Path, settings: &PostgresSettings) -> Result<Self, Error> {
        Self::start_with(directory, settings, Durability::Full).await
    }

    /// The same without durability.
    pub async fn for_tests(directory: &Path, settings: &PostgresSettings) -> Result<Self, Error> {
        Self::start_with(directory, settings, Durability::None).await
    }

    async fn start_with(directory: &Path, settings: &PostgresSettings, durability: Durability) -> Result<Self, Error> {
        let (cluster, lock) = Self::open(directory, settings, durability).await?;
        cluster.ensure_running().await?;
        cluster.ensure_database().await?;
        Ok(Self { cluster, _lock: lock })
    }

    /// Makes the data of `directory` without starting a server, to be copied by tests.
    pub async fn initialise_for_tests(directory: &Path, settings: &PostgresSettings) -> Result<(), Error> {
        Self::open(directory, settings, Durability::None).await.map(drop)
    }

    /// Removes the data of `directory`, so that the next start makes an empty database. A server that a killed process has
    /// left running there is stopped first. Says whether there was anything to remove.
    ///
    /// # Errors
    /// While another process uses the directory.
    pub async fn remove(directory: &Path, settings: &PostgresSettings) -> Result<bool, Error> {
        let home = directory.join("postgres");
        if !home.join("data").exists() {
            return Ok(false);
        }
        let (cluster, _lock) = Self::open(directory, settings, Durability::Full).await?;
        if cluster.is_running().await {
            cluster.stop().await?;
        }
        // It follows no links.
        std::fs::remove_dir_all(&home)
            .map_err(|cause| postgres_error(format!("cannot remove {}: {cause}", home.display())))?;
        Ok(true)
    }

    /// Locks the directory, finds the programs and makes the data.
    async fn open(
        directory: &Path,
        settings: &PostgresSettings,
        durability: Durability,
    ) -> Result<(Cluster, File), Error> {
        let owner = Owner::find()?;
        let directory = files::create_base(directory)?;
        owner.check_reach(directory.path())?;
        let lock = lock(&directory)?;
        let home = directory.private_child("postgres", &owner);
        let home = home.map_err(|cause| {
            let place = directory.path().display();
            postgres_error(format!(
                "cannot make the directory postgres in {place}: {cause}; GROUNDPLAN_DATA names another place"
            ))
        })?;
        let binaries = Binaries::find(settings.pg_bin.as_deref(), &owner, files::data_version(&home))?;
        let cluster = Cluster::new(home, binaries, owner, durability)?;
        cluster.initialise().await?;
        cluster.configure()?;
        Ok((cluster, lock))
    }

    /// How to connect, as a `DB_URL`. Only this process's user, root and `postgres` can.
    pub fn url(&self) -> Secret {
        self.cluster.url(NAME)
    }

    /// Looks after the server until `stop`: when it dies, it is started again. Ends when `stop` is cancelled, but not in
    /// the middle of a start, so that [`Self::stop`] finds what there is to stop.
    pub async fn supervise(&self, stop: &CancellationToken) {
        supervise::supervise(&self.cluster, stop).await;
    }

    /// Stops the server, and waits for it. Connections that are still open are cut.
    pub async fn stop(self) -> Result<(), Error> {
        self.cluster.stop().await
    }

    /// Where to keep the data when nobody said: `.groundplan` in the working directory, or, when we are root and the user
    /// `postgres` cannot get there (`/root`, say), a directory below `/var/lib/groundplan` that belongs to the working directory.
    pub fn default_directory(working_directory: &Path) -> PathBuf {
        let here = working_directory.join(".groundplan");
        match Owner::find() {
            Ok(owner) if owner.check_reach(&here).is_err() => {
                Path::new("/var/lib/groundplan").join(short_hash(working_directory))
            }
            _ => here,
        }
    }

    /// The directory of PostgreSQL's programs that a new directory of data is made by, and their major version.
    pub fn programs(settings: &PostgresSettings) -> Result<(PathBuf, u32), Error> {
        let binaries = Binaries::find(settings.pg_bin.as_deref(), &Owner::find()?, None)?;
        Ok((binaries.directory().to_path_buf(), binaries.major()))
    }

    /// The directory with the data and the log.
    pub fn home(&self) -> &Path {
        self.cluster.home()
    }
}

/// Makes sure that no other process uses the directory. The kernel lets go of the lock when the process ends, however it does.
fn lock(directory: &Directory) -> Result<File, Error> {
    const NAME: &str = "postgres.lock";
    let path = directory.path().join(NAME);
    let file = directory.lock_file(NAME);
    let file = file.map_err(|cause| postgres_error(format!("cannot open {}: {cause}", path.display())))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(postgres_error(format!(
            "another groundplan uses the data in {}; stop it, or give this one a directory of its own by GROUNDPLAN_DATA",
            directory.path().display()
        ))),
        Err(TryLockError::Error(cause)) => Err(postgres_error(format!("cannot lock {}: {cause}", path.display()))),
    }
}

/// A short name for a path.
fn short_hash(path: &Path) -> String {
    let digest: [u8; 32] = Sha256::digest(path.as_os_str().as_encoded_bytes()).into();
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Why there is no private PostgreSQL.
fn postgres_error(message: impl Into<String>) -> Error {
    Error::new(Reason::DatabaseUnavailable, message)
}
