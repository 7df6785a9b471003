//! The files of a cluster: settings, access rules, socket, and the remains of a crash.

use super::{Durability, NAME, directory::Directory, owner::Owner, postgres_error, short_hash};
use groundplan_error::Error;
use std::fs;
use std::path::{Path, PathBuf};

/// The longest path of a unix socket on every system, in bytes.
const MAX_SOCKET_PATH_BYTES: usize = 103;

/// The name of PostgreSQL's socket for port 5432.
const SOCKET: &str = ".s.PGSQL.5432";

/// The data directory of the cluster, and its name while initdb creates it.
pub(super) const DATA: &str = "data";
pub(super) const NEW_DATA: &str = "data.new";

/// The server's log in the cluster's directory.
pub(super) const LOG: &str = "server.log";

/// The pid file of a running server.
const PID_FILE: &str = "postmaster.pid";

/// Creates the base directory, and opens it by its absolute path.
pub(super) fn create_base(directory: &Path) -> Result<Directory, Error> {
    let created = fs::create_dir_all(directory).and_then(|()| fs::canonicalize(directory));
    let created = created.and_then(|path| Directory::open(&path));
    created.map_err(|cause| postgres_error(format!("cannot create the directory {}: {cause}", directory.display())))
}

/// Returns the version of PostgreSQL that created the data, if there is any.
pub(super) fn data_version(home: &Directory) -> Option<u32> {
    home.child(DATA).ok()?.read("PG_VERSION").ok()?.trim().parse().ok()
}

/// Returns a temporary directory for the socket if the path in the cluster's directory is too long.
pub(super) fn socket_directory(home: &Directory, owner: &Owner) -> Result<Option<Directory>, Error> {
    if home.path().join(SOCKET).as_os_str().len() <= MAX_SOCKET_PATH_BYTES {
        return Ok(None);
    }
    let name = format!("groundplan-{}", short_hash(home.path()));
    // Another user might have created it before, to read it.
    let created = Directory::open(Path::new("/tmp")).and_then(|temporary| temporary.private_child(&name, owner));
    created.map(Some).map_err(|cause| {
        postgres_error(format!(
            "cannot create /tmp/{name} for the socket, because the path of {} is too long: {cause}; remove it, or set \
             GROUNDPLAN_DATA to a shorter path",
            home.path().display()
        ))
    })
}

/// Returns the path of the socket in its directory.
pub(super) fn socket(directory: &Path) -> PathBuf {
    directory.join(SOCKET)
}

/// Returns the server's settings.
pub(super) fn settings(socket_directory: &Path, durability: Durability) -> String {
    let directory = socket_directory.display().to_string().replace('\'', "''");
    let mut text = format!(
        "# Written by groundplan at every start.\n\
         listen_addresses = ''\n\
         port = 5432\n\
         unix_socket_directories = '{directory}'\n\
         unix_socket_permissions = 0700\n\
         max_connections = 200\n\
         timezone = 'UTC'\n\
         log_timezone = 'UTC'\n\
         lc_messages = 'C'\n\
         log_line_prefix = '%m [%p] %a '\n\
         # Neither DETAIL, which has values of records, nor statements.\n\
         log_error_verbosity = terse\n\
         log_min_error_statement = panic\n"
    );
    if durability == Durability::None {
        text.push_str(
            "fsync = off\n\
             full_page_writes = off\n\
             synchronous_commit = off\n\
             wal_level = minimal\n\
             max_wal_senders = 0\n\
             dynamic_shared_memory_type = mmap\n\
             max_prepared_transactions = 32\n\
             shared_buffers = 32MB\n",
        );
    }
    text
}

/// Returns the access rules: this user and PostgreSQL's, by the socket, as one of the database users of Groundplan.
pub(super) fn access_rules() -> &'static str {
    "# Written by groundplan at every start.\nlocal all all peer map=groundplan\n"
}

/// Returns the mapping of operating system users to the database users: the owner, and those of services
/// (deploy/postgres/roles.sql creates those).
pub(super) fn user_map(user: &str) -> String {
    let mut lines = String::from("# Written by groundplan at every start.\n");
    for user in [user, "root", "postgres"] {
        for role in [NAME, "groundplan_schema", "groundplan_records"] {
            lines.push_str(&format!("groundplan \"{user}\" {role}\n"));
        }
    }
    lines
}

/// Returns the process id in the pid file of a running or killed server.
pub(super) fn recorded_pid(home: &Directory) -> Option<u32> {
    home.child(DATA).ok()?.read(PID_FILE).ok()?.lines().next()?.trim().parse().ok()
}

/// Checks that the pid file is absent or readable: PostgreSQL would fail to start without saying why.
pub(super) fn check_pid_file(home: &Directory) -> std::io::Result<()> {
    match home.child(DATA)?.read(PID_FILE) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Replaces the process id, which another process might have now, with an impossible one. The file must stay: PostgreSQL uses the
/// rest of it to detect processes of the killed server.
pub(super) fn clear_recorded_pid(home: &Directory, owner: &Owner) -> std::io::Result<()> {
    let data = home.child(DATA)?;
    let text = data.read(PID_FILE)?;
    let rest = text.split_once('\n').map_or("", |(_, rest)| rest);
    data.write(PID_FILE, &format!("{IMPOSSIBLE_PID}\n{rest}"), owner)
}

/// Removes the socket of a stopped server, with its lock file.
pub(super) fn remove_socket(directory: &Directory) -> std::io::Result<()> {
    directory.remove(SOCKET)?;
    directory.remove(&format!("{SOCKET}.lock"))
}

/// Larger than the maximum process id of every system.
const IMPOSSIBLE_PID: u32 = 999_999_999;

#[cfg(test)]
mod tests {
    use super::{clear_recorded_pid, data_version, recorded_pid, settings, socket, socket_directory};
    use crate::private_postgres::{Durability, directory::Directory, owner::Owner};
    use std::fs;
    use std::path::Path;

    /// Creates a cluster's directory with a file in the data directory.
    fn home(name: &str, text: &str) -> (tempfile::TempDir, Directory) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("data")).unwrap();
        fs::write(folder.path().join("data").join(name), text).unwrap();
        let home = Directory::open(folder.path()).unwrap();
        (folder, home)
    }

    #[test]
    fn the_recorded_pid_is_cleared_and_the_rest_is_kept() {
        let (folder, home) = home("postmaster.pid", "4711\n/data\n1234\n5432\n");
        assert_eq!(recorded_pid(&home), Some(4711));
        clear_recorded_pid(&home, &Owner::detect().unwrap()).unwrap();
        let text = fs::read_to_string(folder.path().join("data/postmaster.pid")).unwrap();
        assert_eq!(text, "999999999\n/data\n1234\n5432\n");
        fs::remove_file(folder.path().join("data/postmaster.pid")).unwrap();
        assert_eq!(recorded_pid(&home), None);
    }

    #[test]
    fn the_version_of_the_data_is_read() {
        let (folder, home) = home("PG_VERSION", "15\n");
        assert_eq!(data_version(&home), Some(15));
        fs::remove_file(folder.path().join("data/PG_VERSION")).unwrap();
        assert_eq!(data_version(&home), None);
    }

    #[test]
    fn a_long_path_gets_a_short_socket() {
        let owner = Owner::detect().unwrap();
        let folder = tempfile::Builder::new().prefix("short-").tempdir_in("/tmp").unwrap();
        let long = folder.path().join("long".repeat(30));
        fs::create_dir(&long).unwrap();
        let [short, long] = [folder.path(), &long].map(|path| Directory::open(path).unwrap());
        assert!(socket_directory(&short, &owner).unwrap().is_none());
        let directory = socket_directory(&long, &owner).unwrap().unwrap().path().to_path_buf();
        assert!(socket(&directory).as_os_str().len() <= 103);
        assert_eq!(
            socket_directory(&long, &owner).unwrap().unwrap().path(),
            directory,
            "the next start uses the same directory"
        );
        // A link of another user is rejected.
        fs::remove_dir(&directory).unwrap();
        std::os::unix::fs::symlink(folder.path(), &directory).unwrap();
        let error = socket_directory(&long, &owner).unwrap_err().to_string();
        fs::remove_file(&directory).unwrap();
        assert!(error.contains("GROUNDPLAN_DATA") && error.contains("symbolic link"), "{error}");
    }

    #[test]
    fn only_tests_run_without_durability() {
        assert!(settings(Path::new("/tmp/it's"), Durability::None).contains("fsync = off"));
        let full = settings(Path::new("/tmp/it's"), Durability::Full);
        assert!(!full.contains("fsync"));
        assert!(full.contains("listen_addresses = ''") && full.contains("'/tmp/it''s'"), "{full}");
    }
}
