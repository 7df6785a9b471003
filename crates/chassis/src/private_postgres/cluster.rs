//! One cluster: making it, starting it, taking it over, stopping it.

use super::{Durability, NAME, binaries::Binaries, directory::Directory, files, owner::Owner, postgres_error};
use crate::settings::Secret;
use groundplan_error::Error;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;
use tokio::process::Command;
use tokio::time::{Instant, sleep};
use tokio_postgres::NoTls;

/// How long processes of a killed server may keep the data busy before we give up.
const STRAGGLER_TIMEOUT: Duration = Duration::from_secs(20);

/// The log is set aside when it is larger than this at a start, in bytes.
const MAX_LOG_BYTES: u64 = 16 << 20;

/// A directory with data, and the programs to run it.
#[derive(Debug)]
pub(super) struct Cluster {
    home: Directory,
    log: PathBuf,
    /// Where the socket is, if not in `home`.
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

    /// How to connect to a database.
    pub(super) fn url(&self, database: &str) -> Secret {
        let directory = self.socket_directory().path().as_os_str().as_encoded_bytes();
        let escape = |byte: &u8| match byte {
            letter if letter.is_ascii_alphanumeric() || b"-_.".contains(letter) => char::from(*letter).to_string(),
            other => format!("%{other:02X}"),
        };
        let escaped: String = directory.iter().map(escape).collect();
        Secret::new(format!("postgres://{NAME}@{escaped}/{database}"))
    }

    /// Makes the data where there are none. They appear all at once: a kill in the middle leaves nothing half made.
    pub(super) async fn initialise(&self) -> Result<(), Error> {
        if files::data_version(&self.home).is_some() {
            return Ok(());
        }
        tracing::info!(directory = %self.home().display(), "making a private PostgreSQL");
        let mut created = self.initdb("C.UTF-8").await?;
        if String::from_utf8_lossy(&created.stderr).contains("invalid locale") {
            // Some systems have no C.UTF-8; the order of texts is the same.
            created = self.initdb("C").await?;
        }
        if !created.status.success() {
            return Err(postgres_error(format!(
                "initdb failed: {}",
                last_lines(&String::from_utf8_lossy(&created.stderr))
            )));
        }
        let moved = self.home.rename(files::NEW_DATA, files::DATA);
        moved.map_err(|cause| postgres_error(format!("cannot make {}/{}: {cause}", self.home().display(), files::DATA)))
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

    /// Writes the server's settings. They hold from its next start; most of them also from a reload.
    pub(super) fn configure(&self) -> Result<(), Error> {
        let user = std::process::Command::new("id").arg("-un").output();
        let user = user.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
        if user.is_empty() {
            return Err(postgres_error(
                "this user has no name, by which PostgreSQL would know it: add one to /etc/passwd",
            ));
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

    /// Takes over a server that is running, or starts one.
    pub(super) async fn ensure_running(&self) -> Result<(), Error> {
        if self.accepts_connections().await {
            tracing::info!("taking over the private PostgreSQL of a process that is gone");
            if let Err(error) = self.reload().await {
                tracing::warn!(error = %error.message(), "it keeps the settings that it has");
            }
            return Ok(());
        }
        if let Some(process) = files::recorded_pid(&self.home) {
            if process_program(process).await.is_some_and(|program| program.starts_with("postgres")) {
                // It is starting, stopping, or listening elsewhere since the directory was moved.
                self.stop().await?;
            } else {
                self.remove_stale_files()?;
            }
        }
        self.start().await
    }

    /// Whether the server is there: starting, running or stopping.
    pub(super) async fn is_running(&self) -> bool {
        let noted = match files::recorded_pid(&self.home) {
            Some(process) => process_program(process).await,
            None => None,
        };
        // Who removes the note does not end the server.
        noted.is_some_and(|program| program.starts_with("postgres")) || self.accepts_connections().await
    }

    /// Starts a server that has died under us.
    pub(super) async fn restart(&self) -> Result<(), Error> {
        if files::recorded_pid(&self.home).is_some() {
            self.remove_stale_files()?;
        }
        self.start().await
    }

    /// Takes away what a killed server has left behind and what would keep the next one from starting: its process id,
    /// which may be a stranger's by now, and its socket.
    fn remove_stale_files(&self) -> Result<(), Error> {
        files::clear_recorded_pid(&self.home, &self.owner)
            .and_then(|()| files::remove_socket(self.socket_directory()))
            .map_err(|cause| postgres_error(format!("cannot clean up in {}: {cause}", self.home().display())))
    }

    /// Starts the server and waits until it answers.
    async fn start(&self) -> Result<(), Error> {
        files::check_pid_file(&self.home)
            .map_err(|cause| postgres_error(format!("the private PostgreSQL cannot start: {cause}")))?;
        if self.home.length(files::LOG) > MAX_LOG_BYTES {
            // Should it fail, the log goes on growing, which is no reason not to start.
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
            // Processes of a killed server notice soon that they are alone, and go.
            if !logged.contains("still in use") || Instant::now() > give_up {
                return Err(postgres_error(format!(
                    "the private PostgreSQL does not start: {} (all of it is in {})",
                    last_lines(&logged),
                    self.log.display()
                )));
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Lets a running server read its settings: another version of this program may have written those it has.
    async fn reload(&self) -> Result<(), Error> {
        let mut command = self.command("pg_ctl");
        command.args(["reload", "-D", files::DATA, "-s"]);
        let reloaded = run(command).await?;
        if reloaded.status.success() {
            return Ok(());
        }
        let stderr = String::from_utf8_lossy(&reloaded.stderr).into_owned();
        Err(postgres_error(format!("the private PostgreSQL does not read its settings: {}", last_lines(&stderr))))
    }

    /// Stops the server and waits until it is gone.
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

    /// Whether the server answers.
    async fn accepts_connections(&self) -> bool {
        tokio::net::UnixStream::connect(files::socket(self.socket_directory().path())).await.is_ok()
            && self.connect("postgres").await.is_ok()
    }

    /// Makes the database where it is missing.
    pub(super) async fn ensure_database(&self) -> Result<(), Error> {
        let client = self.connect("postgres").await?;
        let failed =
            |cause: tokio_postgres::Error| postgres_error("cannot make the database groundplan").caused_by(cause);
        let rows = client.query("SELECT FROM pg_database WHERE datname = $1", &[&NAME]).await.map_err(failed)?;
        if rows.is_empty() {
            client.batch_execute(&format!("CREATE DATABASE {NAME}")).await.map_err(failed)?;
        }
        Ok(())
    }

    async fn connect(&self, database: &str) -> Result<tokio_postgres::Client, Error> {
        let connecting = tokio_postgres::connect(self.url(database).expose(), NoTls).await;
        let (client, connection) = connecting.map_err(|cause| {
            postgres_error(format!("the private PostgreSQL runs, but refuses us; its log is {}", self.log.display()))
                .caused_by(cause)
        })?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// One of PostgreSQL's programs, as its user, in its directory, with nothing of our environment.
    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.binaries.program(name));
        command.current_dir(self.home()).env_clear().env("LC_ALL", "C").env("PATH", "/usr/local/bin:/usr/bin:/bin");
        // A Ctrl-C at the terminal is for us; we stop PostgreSQL when we are done with it.
        command.stdin(Stdio::null()).process_group(0);
        self.owner.run_as(command.as_std_mut());
        command
    }

    /// What the server has logged after an offset.
    fn logged_since(&self, offset: u64) -> String {
        self.home.read_from(files::LOG, offset).unwrap_or_default()
    }
}

/// Runs a program to its end.
async fn run(mut command: Command) -> Result<Output, Error> {
    let name = Path::new(command.as_std().get_program()).display().to_string();
    command.output().await.map_err(|cause| postgres_error(format!("cannot run {name}: {cause}")))
}

/// The program that a process runs; none when there is no such process, or when it has ended and only waits for its
/// parent to notice (for ever, where a container's first process does not care for orphans).
async fn process_program(process: u32) -> Option<String> {
    let (state, program) = match std::fs::read_to_string(format!("/proc/{process}/stat")) {
        // `4711 (postgres) S …`
        Ok(stat) => {
            let (program, rest) = stat.split_once('(')?.1.rsplit_once(')')?;
            (rest.trim_start().to_owned(), program.to_owned())
        }
        Err(_) if Path::new("/proc/self").exists() => return None,
        Err(_) => {
            let listed =
                Command::new("ps").args(["-o", "stat=,ucomm=", "-p", &process.to_string()]).output().await.ok()?;
            let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
            let (state, program) = listed.trim().split_once(' ')?;
            (state.to_owned(), program.trim().to_owned())
        }
    };
    if state.starts_with('Z') { None } else { Some(program) }
}

/// The end of a program's output, on one line.
fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    match lines.split_at(lines.len().saturating_sub(5)).1 {
        [] => "it does not say why".to_owned(),
        last => last.join(" | "),
    }
}
