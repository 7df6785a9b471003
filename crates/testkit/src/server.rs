//! The PostgreSQL of a test process: copied from a template, started without durability, and removed by a shell that waits for
//! the process to end.

use groundplan_chassis::private_postgres::PrivatePostgres;
use groundplan_chassis::settings::{PostgresSettings, Secret, defaults};
use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use tempfile::TempDir;

/// The server of this process.
#[derive(Debug)]
pub(crate) struct TestServer {
    postgres: PrivatePostgres,
    /// The reaper removes the server when this process closes the reaper's standard input.
    _reaper: Child,
}

impl TestServer {
    /// Returns the connection string.
    pub(crate) fn url(&self) -> Secret {
        self.postgres.url()
    }
}

/// Returns the server of this process; the first call starts it.
pub(crate) fn process_server() -> &'static TestServer {
    static SERVER: OnceLock<TestServer> = OnceLock::new();
    // Use a separate thread and runtime: the runtime of the first test can end before the other tests.
    SERVER.get_or_init(|| {
        let starting = std::thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be created").block_on(start())
        });
        starting.join().expect("the test server starts")
    })
}

/// Returns the default settings, with the PostgreSQL of GROUNDPLAN_PG_BIN: `make test` runs some tests on another version.
fn settings() -> PostgresSettings {
    PostgresSettings { pg_bin: Some(postgres_programs().0.clone()), ..defaults() }
}

/// Returns the directory of PostgreSQL's programs and their major version. The result is cached, because the search runs each
/// program.
fn postgres_programs() -> &'static (PathBuf, u32) {
    static PROGRAMS: OnceLock<(PathBuf, u32)> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        #[expect(clippy::disallowed_methods, reason = "tests have no command line")]
        let pg_bin = std::env::var_os("GROUNDPLAN_PG_BIN").map(PathBuf::from);
        let programs = PrivatePostgres::programs(&PostgresSettings { pg_bin, ..defaults() });
        programs.map_err(|error| error.log_text()).expect("PostgreSQL is installed")
    })
}

async fn start() -> TestServer {
    let (directory, reaper) = create_data_directory().await;
    TestServer { postgres: start_server(&directory).await, _reaper: reaper }
}

/// Creates a directory with the data of a server. The reaper removes it when its standard input closes.
pub(crate) async fn create_data_directory() -> (PathBuf, Child) {
    let template = template().await;
    // Short, because socket paths are limited, and accessible to the user of PostgreSQL.
    let directory = tempfile::Builder::new().prefix("groundplan-test-").tempdir_in("/tmp").expect("/tmp is writable");
    let directory = make_traversable(directory).keep();
    let reaper = reaper(&directory);
    run(Command::new("cp").arg("-a").arg(&template).arg(directory.join("postgres")));
    (directory, reaper)
}

/// Starts the server of a directory.
pub(crate) async fn start_server(directory: &Path) -> PrivatePostgres {
    let postgres = PrivatePostgres::for_tests(directory, &settings()).await;
    postgres.map_err(|error| error.log_text()).expect("the test server starts")
}

/// Starts the shell that cleans up. It reads from a pipe that nobody writes to, and continues when the pipe closes at the end of
/// this process, even after SIGKILL. Its own process group protects it from signals to this process.
fn reaper(directory: &Path) -> Child {
    const SCRIPT: &str = r#"
        read -r _
        note="$1/postgres/data/postmaster.pid"
        # Half a server (the process ended while it was starting) has no such file yet: removing its data ends it.
        process=$(head -n 1 "$note" 2>/dev/null)
        [ -n "$process" ] && kill -QUIT "$process" 2>/dev/null
        # It has ended when its note is gone, or itself: ended processes may be listed for long where nobody minds orphans.
        for _ in $(seq 250); do
            [ -e "$note" ] && kill -0 "$process" 2>/dev/null || break
            sleep 0.02
        done
        rm -rf "$1"
    "#;
    let mut command = Command::new("sh");
    command.args(["-c", SCRIPT, "reaper"]).arg(directory).process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("sh runs")
}

/// Returns the initial data of each server: created once by initdb, and stored in the target directory.
async fn template() -> PathBuf {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/testkit");
    fs::create_dir_all(&directory).expect("the target directory is writable");
    let lock = File::create(directory.join("lock")).expect("the target directory is writable");
    let user = Command::new("id").arg("-u").output().expect("id runs");
    let (_, version) = postgres_programs();
    let template = directory.join(format!("postgres-{version}-{}", String::from_utf8_lossy(&user.stdout).trim()));
    // Waits while another test process creates the template.
    lock.lock().expect("the target directory supports locks");
    if !template.join("data/PG_VERSION").exists() {
        let directory =
            tempfile::Builder::new().prefix("groundplan-test-").tempdir_in("/tmp").expect("/tmp is writable");
        let directory = make_traversable(directory);
        let created = PrivatePostgres::initialise_for_tests(directory.path(), &settings()).await;
        created.map_err(|error| error.log_text()).expect("initdb runs");
        let _ = fs::remove_dir_all(&template);
        let unfinished = template.with_extension("new");
        let _ = fs::remove_dir_all(&unfinished);
        run(Command::new("cp").arg("-a").arg(directory.path().join("postgres")).arg(&unfinished));
        fs::rename(&unfinished, &template).expect("the target directory is writable");
    }
    template
}

/// Lets PostgreSQL's user enter; the content has its own permissions.
fn make_traversable(directory: TempDir) -> TempDir {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o711))
        .expect("the permissions of this directory can be changed");
    directory
}

pub(crate) fn run(command: &mut Command) {
    let status = command.status().expect("the command runs");
    assert!(status.success(), "{command:?}: {status}");
}

#[cfg(test)]
mod tests {
    use super::reaper;
    use std::fs;
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::Command;

    #[test]
    fn nothing_remains() {
        let directory = tempfile::tempdir().unwrap().keep();
        let mut server = Command::new("sleep").arg("600").spawn().unwrap();
        fs::create_dir_all(directory.join("postgres/data")).unwrap();
        fs::write(directory.join("postgres/data/postmaster.pid"), format!("{}\nrest\n", server.id())).unwrap();
        let mut reaper = reaper(&directory);
        assert!(reaper.try_wait().unwrap().is_none() && directory.exists(), "it waits");
        // The pipe closes when the process ends.
        drop(reaper.stdin.take());
        let ended = server.wait().unwrap();
        assert_eq!(ended.signal(), Some(3), "SIGQUIT");
        reaper.wait().unwrap();
        assert!(!directory.exists());
    }
}
