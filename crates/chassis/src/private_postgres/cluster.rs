//! One cluster: making it, starting it, taking it over, stopping it.

use super::{Durability, NAME, binaries::Binaries, failure, files, owner::Owner};
use crate::settings::Secret;
use groundplan_error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;
use tokio::process::Command;
use tokio::time::{Instant, sleep};
use tokio_postgres::NoTls;

/// How long processes of a killed server may keep the data busy before we give up.
const STRAGGLERS: Duration = Duration::from_secs(20);

/// The log is set aside when it is larger than this at a start, in bytes.
const LARGEST_LOG: u64 = 16 << 20;

/// A directory with data, and the programs to run it.
#[derive(Debug)]
pub(super) struct Cluster {
    home: PathBuf,
    data: PathBuf,
    log: PathBuf,
    socket_directory: PathBuf,
    binaries: Binaries,
    owner: Owner,
    durability: Durability,
}

impl Cluster {
    pub(super) fn new(home: PathBuf, binaries: Binaries, owner: Owner, durability: Durability) -> Result<Self, Error> {
        let socket_directory = files::socket_directory(&home, &owner)?;
        let (data, log) = (home.join("data"), home.join("server.log"));
        Ok(Self { home, data, log, socket_directory, binaries, owner, durability })
    }

    pub(super) fn home(&self) -> &Path {
        &self.home
    }

    pub(super) fn log(&self) -> &Path {
        &self.log
    }

    /// How to connect to a database.
    pub(super) fn url(&self, database: &str) -> Secret {
        let directory = self.socket_directory.as_os_str().as_encoded_bytes();
        let escape = |byte: &u8| match byte {
            letter if letter.is_ascii_alphanumeric() || b"-_.".contains(letter) => char::from(*letter).to_string(),
            other => format!("%{other:02X}"),
        };
        let escaped: String = directory.iter().map(escape).collect();
        Secret::new(format!("postgres://{NAME}@{escaped}/{database}"))
    }

    /// Makes the data where there are none. They appear all at once: a kill in the middle leaves nothing half made.
    pub(super) async fn initialise(&self) -> Result<(), Error> {
        if files::data_version(&self.data).is_some() {
            return Ok(());
        }
        tracing::info!(directory = %self.data.display(), "making a private PostgreSQL");
        let mut made = self.initdb("C.UTF-8").await?;
        if String::from_utf8_lossy(&made.stderr).contains("invalid locale") {
            // Some systems have no C.UTF-8; the order of texts is the same.
            made = self.initdb("C").await?;
        }
        if !made.status.success() {
            return Err(failure(format!("initdb failed: {}", last_words(&String::from_utf8_lossy(&made.stderr)))));
        }
        fs::rename(self.home.join("data.new"), &self.data)
            .map_err(|cause| failure(format!("cannot make {}: {cause}", self.data.display())))
    }

    async fn initdb(&self, locale: &str) -> Result<Output, Error> {
        let new = self.home.join("data.new");
        if new.exists() {
            fs::remove_dir_all(&new).map_err(|cause| failure(format!("cannot remove {}: {cause}", new.display())))?;
        }
        let mut command = self.command("initdb");
        command.args(["-D", "data.new", "-U", NAME, "--auth-local=peer", "--auth-host=reject"]);
        command.args(["-E", "UTF8", "--data-checksums", "--locale", locale]);
        if self.durability == Durability::None {
            command.args(["--no-sync", "--wal-segsize=1"]);
        }
        output(command).await
    }

    /// Writes the server's settings. They hold from its next start; most of them also from a reload.
    pub(super) fn configure(&self) -> Result<(), Error> {
        let user = std::process::Command::new("id").arg("-un").output();
        let user = user.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
        if user.is_empty() {
            return Err(failure("this user has no name, by which PostgreSQL would know it: add one to /etc/passwd"));
        }
        for (name, text) in [
            ("groundplan.conf", files::settings(&self.socket_directory, self.durability)),
            ("pg_hba.conf", files::access_rules().to_owned()),
            ("pg_ident.conf", files::user_map(&user)),
        ] {
            let path = self.data.join(name);
            fs::write(&path, text)
                .and_then(|()| self.owner.give(&path))
                .map_err(|cause| failure(format!("cannot write {}: {cause}", path.display())))?;
        }
        let main = self.data.join("postgresql.conf");
        let text = fs::read_to_string(&main).unwrap_or_default();
        if !text.contains("include 'groundplan.conf'") {
            fs::write(&main, format!("{text}\ninclude 'groundplan.conf'\n"))
                .map_err(|cause| failure(format!("cannot write {}: {cause}", main.display())))?;
        }
        Ok(())
    }

    /// Takes over a server that is running, or starts one.
    pub(super) async fn ensure_running(&self) -> Result<(), Error> {
        if self.answers().await {
            tracing::info!("taking over the private PostgreSQL of a process that is gone");
            if let Err(error) = self.reload().await {
                tracing::warn!(error = %error.message(), "it keeps the settings that it has");
            }
            return Ok(());
        }
        if let Some(process) = files::noted_process(&self.data) {
            if program_of(process).await.is_some_and(|program| program.starts_with("postgres")) {
                // It is starting, stopping, or listening elsewhere since the directory was moved.
                self.stop().await?;
            } else {
                self.clear_traces()?;
            }
        }
        self.start().await
    }

    /// Whether the server is there: starting, running or stopping.
    pub(super) async fn lives(&self) -> bool {
        let noted = match files::noted_process(&self.data) {
            Some(process) => program_of(process).await,
            None => None,
        };
        // Who removes the note does not end the server.
        noted.is_some_and(|program| program.starts_with("postgres")) || self.answers().await
    }

    /// Starts a server that has died under us.
    pub(super) async fn start_again(&self) -> Result<(), Error> {
        if files::noted_process(&self.data).is_some() {
            self.clear_traces()?;
        }
        self.start().await
    }

    /// Takes away what a killed server has left behind and what would keep the next one from starting: its process id,
    /// which may be a stranger's by now, and its socket.
    fn clear_traces(&self) -> Result<(), Error> {
        files::forget_noted_process(&self.data)
            .and_then(|()| files::remove_socket(&self.socket_directory))
            .map_err(|cause| failure(format!("cannot clean up in {}: {cause}", self.home.display())))
    }

    /// Starts the server and waits until it answers.
    async fn start(&self) -> Result<(), Error> {
        if fs::metadata(&self.log).is_ok_and(|log| log.len() > LARGEST_LOG) {
            // Should it fail, the log goes on growing, which is no reason not to start.
            let _ = fs::rename(&self.log, self.home.join("server.log.old"));
        }
        let give_up = Instant::now() + STRAGGLERS;
        loop {
            let before = fs::metadata(&self.log).map_or(0, |log| log.len());
            let mut command = self.command("pg_ctl");
            command.args(["start", "-D", "data", "-l", "server.log", "-w", "-t", "120", "-s"]);
            if output(command).await?.status.success() {
                return Ok(());
            }
            let said = self.logged_since(before);
            // Processes of a killed server notice soon that they are alone, and go.
            if !said.contains("still in use") || Instant::now() > give_up {
                return Err(failure(format!(
                    "the private PostgreSQL does not start: {} (all of it is in {})",
                    last_words(&said),
                    self.log.display()
                )));
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Lets a running server read its settings: another version of this program may have written those it has.
    async fn reload(&self) -> Result<(), Error> {
        let mut command = self.command("pg_ctl");
        command.args(["reload", "-D", "data", "-s"]);
        let reloaded = output(command).await?;
        if reloaded.status.success() {
            return Ok(());
        }
        let words = String::from_utf8_lossy(&reloaded.stderr).into_owned();
        Err(failure(format!("the private PostgreSQL does not read its settings: {}", last_words(&words))))
    }

    /// Stops the server and waits until it is gone.
    pub(super) async fn stop(&self) -> Result<(), Error> {
        let mut command = self.command("pg_ctl");
        command.args(["stop", "-D", "data", "-m", "fast", "-w", "-t", "60", "-s"]);
        let stopped = output(command).await?;
        let words = String::from_utf8_lossy(&stopped.stderr).into_owned();
        if stopped.status.success() || words.contains("Is server running?") {
            return Ok(());
        }
        Err(failure(format!("the private PostgreSQL does not stop: {}", last_words(&words))))
    }

    /// Whether the server answers.
    async fn answers(&self) -> bool {
        tokio::net::UnixStream::connect(files::socket(&self.socket_directory)).await.is_ok()
            && self.connect("postgres").await.is_ok()
    }

    /// Makes the database where it is missing.
    pub(super) async fn ensure_database(&self) -> Result<(), Error> {
        let client = self.connect("postgres").await?;
        let failed = |cause: tokio_postgres::Error| failure("cannot make the database groundplan").caused_by(cause);
        let found = client.query("SELECT FROM pg_database WHERE datname = $1", &[&NAME]).await.map_err(failed)?;
        if found.is_empty() {
            client.batch_execute(&format!("CREATE DATABASE {NAME}")).await.map_err(failed)?;
        }
        Ok(())
    }

    async fn connect(&self, database: &str) -> Result<tokio_postgres::Client, Error> {
        let connecting = tokio_postgres::connect(self.url(database).expose(), NoTls).await;
        let (client, connection) = connecting.map_err(|cause| {
            failure(format!("the private PostgreSQL runs, but refuses us; its log is {}", self.log.display()))
                .caused_by(cause)
        })?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// One of PostgreSQL's programs, as its user, in its directory, with nothing of our environment.
    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.binaries.program(name));
        command.current_dir(&self.home).env_clear().env("LC_ALL", "C").env("PATH", "/usr/local/bin:/usr/bin:/bin");
        // A Ctrl-C at the terminal is for us; we stop PostgreSQL when we are done with it.
        command.stdin(Stdio::null()).process_group(0);
        self.owner.run_as(&mut command);
        command
    }

    /// What the server has logged behind an offset.
    fn logged_since(&self, offset: u64) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(log.len());
        String::from_utf8_lossy(log.get(start..).unwrap_or_default()).into_owned()
    }
}

/// Runs a program to its end.
async fn output(mut command: Command) -> Result<Output, Error> {
    let name = Path::new(command.as_std().get_program()).display().to_string();
    command.output().await.map_err(|cause| failure(format!("cannot run {name}: {cause}")))
}

/// The program that a process runs; none when there is no such process, or when it has ended and only waits for its
/// parent to notice (for ever, where a container's first process does not care for orphans).
async fn program_of(process: u32) -> Option<String> {
    let (state, program) = match fs::read_to_string(format!("/proc/{process}/stat")) {
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
fn last_words(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    match lines.split_at(lines.len().saturating_sub(5)).1 {
        [] => "it does not say why".to_owned(),
        last => last.join(" | "),
    }
}
