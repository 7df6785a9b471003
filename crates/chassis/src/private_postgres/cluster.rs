//! A cluster: its creation, start, takeover and stop.

use super::process::{last_lines, process_program, run};
use super::{Durability, NAME, binaries::Binaries, directory::Directory, files, owner::Owner, postgres_error};
use crate::settings::Secret;
use groundplan_error::Error;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;
use tokio::process::Command;
use tokio::time::{Instant, sleep};
use tokio_postgres::NoTls;

/// How long processes of a killed server can use the data before a start fails.
const STRAGGLER_TIMEOUT: Duration = Duration::from_secs(20);

/// The size of the log in bytes above which a start rotates it.
const MAX_LOG_BYTES: u64 = 16 << 20;

/// A directory with data, and the programs to run it.
#[derive(Debug)]
pub(super) struct Cluster {
    home: Directory,
    log: PathBuf,
    /// The directory of the socket, if it is not `home`.
    other_socket_directory: Option<Directory>,
    binaries: Binaries,
    owner: Owner,
    durability: Durability,
}

impl Cluster {
    pub(super) fn new(
        home: Directory,
        binaries: Binaries,
        owner: Owner,
        durability: Durability,
    ) -> Result<Self, Error> {
        let other_socket_directory = files::socket_directory(&home, &owner)?;
        let log = home.path().join(files::LOG);
        Ok(Self { home, log, other_socket_directory, binaries, owner, durability })
    }

    fn socket_directory(&self) -> &Directory {
        self.other_socket_directory.as_ref().unwrap_or(&self.home)
    }

    pub(super) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(super) fn log(&self) -> &Path {
        &self.log
    }

    /// Returns the connection string of a database.
    pub(super) fn url(&self, database: &str) -> Secret {
        let directory = self.socket_directory().path().as_os_str().as_encoded_bytes();
        let escape = |byte: &u8| match byte {
            letter if letter.is_ascii_alphanumeric() || b"-_.".contains(letter) => char::from(*letter).to_string(),
            other => format!("%{other:02X}"),
        };
        let escaped: String = directory.iter().map(escape).collect();
        Secret::new(format!("postgres://{NAME}@{escaped}/{database}"))
    }

    /// Creates the data if it does not exist. It appears atomically: a kill leaves no partial data.
    pub(super) async fn initialise(&self) -> Result<(), Error> {
        if files::data_version(&self.home).is_some() {
            return Ok(());
        }
        tracing::info!(directory = %self.home().display(), "creating a private PostgreSQL");
        let mut created = self.initdb("C.UTF-8").await?;
        if String::from_utf8_lossy(&created.stderr).contains("invalid locale") {
            // Some systems have no C.UTF-8; C has the same order of texts.
            created = self.initdb("C").await?;
        }
        if !created.status.success() {
            return Err(postgres_error(format!(
                "initdb failed: {}",
                last_lines(&String::from_utf8_lossy(&created.stderr))
            )));
        }
        let moved = self.home.rename(files::NEW_DATA, files::DATA);
        moved.map_err(|cause| {
            postgres_error(format!("cannot create {}/{}: {cause}", self.home().display(), files::DATA))
        })
    }

    async fn initdb(&self, locale: &str) -> Result<Output, Error> {
        let removed = self.home.remove_all(files::NEW_DATA);
        removed.map_err(|cause| {
            postgres_error(format!("cannot remove {}/{}: {cause}", self.home().display(), files::NEW_DATA))
        })?;
        let mut command = self.command("initdb");
        command.args(["-D", files::NEW_DATA, "-U", NAME, "--auth-local=peer", "--auth-host=reject"]);
        command.args(["-E", "UTF8", "--data-checksums", "--locale", locale]);
        if self.durability == Durability::None {
            command.args(["--no-sync", "--wal-segsize=1"]);
        }
        run(command).await
    }

    /// Writes the server's settings. They apply from the next start; most of them also after a reload.
    pub(super) fn configure(&self) -> Result<(), Error> {
        let user = std::process::Command::new("id").arg("-un").output();
        let user = user.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
        if user.is_empty() {
            return Err(postgres_error("this user has no name, which PostgreSQL needs: add one to /etc/passwd"));
        }
        self.write_settings(&user).map_err(|cause| {
            postgres_error(format!("cannot write the settings in {}/{}: {cause}", self.home().display(), files::DATA))
        })
    }

    fn write_settings(&self, user: &str) -> std::io::Result<()> {
        let data = self.home.child(files::DATA)?;
        for (name, text) in [
            ("groundplan.conf", files::settings(self.socket_directory().path(), self.durability)),
            ("pg_hba.conf", files::access_rules().to_owned()),
            ("pg_ident.conf", files::user_map(user)),
        ] {
            data.write(name, &text, &self.owner)?;
        }
        let text = data.read("postgresql.conf")?;
        if text.contains("include 'groundplan.conf'") {
            return Ok(());
        }
        data.write("postgresql.conf", &format!("{text}\ninclude 'groundplan.conf'\n"), &self.owner)
    }

    /// Takes over a running server, or starts one.
    pub(super) async fn ensure_running(&self) -> Result<(), Error> {
        if self.accepts_connections().await {
            tracing::info!("taking over the private PostgreSQL of an earlier process");
            if let Err(error) = self.reload().await {
                tracing::warn!(error = %error.message(), "it keeps its previous settings");
            }
            return Ok(());
        }
        if let Some(process) = files::recorded_pid(&self.home) {
            if process_program(process).await.is_some_and(|program| program.starts_with("postgres")) {
                // It is starting, stopping, or listens on another path because the directory was moved.
                self.stop().await?;
            } else {
                self.remove_stale_files()?;
            }
        }
        self.start().await
    }

    /// Checks whether the server is starting, running or stopping.
    pub(super) async fn is_running(&self) -> bool {
        let noted = match files::recorded_pid(&self.home) {
            Some(process) => process_program(process).await,
            None => None,
        };
        // The server can run without its pid file, if somebody removed that.
        noted.is_some_and(|program| program.starts_with("postgres")) || self.accepts_connections().await
    }

    /// Starts a server that has died.
    pub(super) async fn restart(&self) -> Result<(), Error> {
        if files::recorded_pid(&self.home).is_some() {
            self.remove_stale_files()?;
        }
        self.start().await
    }

    /// Removes what a killed server left and what would prevent the next start: its process id, which another process might have
    /// now, and its socket.
    fn remove_stale_files(&self) -> Result<(), Error> {
        files::clear_recorded_pid(&self.home, &self.owner)
            .and_then(|()| files::remove_socket(self.socket_directory()))
            .map_err(|cause| postgres_error(format!("cannot clean up in {}: {cause}", self.home().display())))
    }

    /// Starts the server and waits until it responds.
    async fn start(&self) -> Result<(), Error> {
        files::check_pid_file(&self.home)
            .map_err(|cause| postgres_error(format!("the private PostgreSQL cannot start: {cause}")))?;
        if self.home.length(files::LOG) > MAX_LOG_BYTES {
            // A failure only means that the log continues to grow.
            let _ = self.home.rename(files::LOG, "server.log.old");
        }
        let give_up = Instant::now() + STRAGGLER_TIMEOUT;
        loop {
            let before = self.home.length(files::LOG);
            let mut command = self.command("pg_ctl");
            command.args(["start", "-D", files::DATA, "-l", files::LOG, "-w", "-t", "120", "-s"]);
            if run(command).await?.status.success() {
                return Ok(());
            }
            let logged = self.logged_since(before);
            // Processes of a killed server notice that soon, and exit.
            if !logged.contains("still in use") || Instant::now() > give_up {
                return Err(postgres_error(format!(
                    "the private PostgreSQL does not start: {} (the full log is in {})",
                    last_lines(&logged),
                    self.log.display()
                )));
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Makes a running server reload its settings, which another version of this program might have written.
    async fn reload(&self) -> Result<(), Error> {
        let mut command = self.command("pg_ctl");
        command.args(["reload", "-D", files::DATA, "-s"]);
        let reloaded = run(command).await?;
        if reloaded.status.success() {
            return Ok(());
        }
        let stderr = String::from_utf8_lossy(&reloaded.stderr).into_owned();
        Err(postgres_error(format!("the private PostgreSQL does not reload its settings: {}", last_lines(&stderr))))
    }

    /// Stops the server and waits until it has exited.
    pub(super) async fn stop(&self) -> Result<(), Error> {
        let mut command = self.command("pg_ctl");
        command.args(["stop", "-D", files::DATA, "-m", "fast", "-w", "-t", "60", "-s"]);
        let stopped = run(command).await?;
        let stderr = String::from_utf8_lossy(&stopped.stderr).into_owned();
        if stopped.status.success() || stderr.contains("Is server running?") {
            return Ok(());
        }
        Err(postgres_error(format!("the private PostgreSQL does not stop: {}", last_lines(&stderr))))
    }

    /// Checks whether the server accepts connections.
    async fn accepts_connections(&self) -> bool {
        tokio::net::UnixStream::connect(files::socket(self.socket_directory().path())).await.is_ok()
            && self.connect("postgres").await.is_ok()
    }

    /// Creates the database if it does not exist.
    pub(super) async fn ensure_database(&self) -> Result<(), Error> {
        let client = self.connect("postgres").await?;
        let failed =
            |cause: tokio_postgres::Error| postgres_error("cannot create the database groundplan").caused_by(cause);
        let rows = client.query("SELECT FROM pg_database WHERE datname = $1", &[&NAME]).await.map_err(failed)?;
        if rows.is_empty() {
            client.batch_execute(&format!("CREATE DATABASE {NAME}")).await.map_err(failed)?;
        }
        Ok(())
    }

    async fn connect(&self, database: &str) -> Result<tokio_postgres::Client, Error> {
        let connecting = tokio_postgres::connect(self.url(database).expose(), NoTls).await;
        let (client, connection) = connecting.map_err(|cause| {
            postgres_error(format!(
                "the private PostgreSQL runs, but rejects the connection; its log is {}",
                self.log.display()
            ))
            .caused_by(cause)
        })?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// Returns a command for one of PostgreSQL's programs, with its user and directory, and without the environment of this
    /// process.
    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.binaries.program(name));
        command.current_dir(self.home()).env_clear().env("LC_ALL", "C").env("PATH", "/usr/local/bin:/usr/bin:/bin");
        // Ctrl-C must reach only this process, which stops PostgreSQL at the end.
        command.stdin(Stdio::null()).process_group(0);
        self.owner.run_as(command.as_std_mut());
        command
    }

    /// Returns what the server has logged after an offset.
    fn logged_since(&self, offset: u64) -> String {
        self.home.read_from(files::LOG, offset).unwrap_or_default()
    }
}
