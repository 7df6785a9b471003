//! The files of a cluster: its settings, its access rules, its socket, and what a crash has left behind.

use super::{Durability, NAME, failure, owner::Owner, short_hash};
use groundplan_error::Error;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// The longest path of a unix socket that every system takes, in bytes.
const LONGEST_SOCKET: usize = 103;

/// The name of the socket that PostgreSQL makes for port 5432.
const SOCKET: &str = ".s.PGSQL.5432";

/// Makes the directory for everything, and gives its absolute path.
pub(super) fn make_base(directory: &Path) -> Result<PathBuf, Error> {
    let made = fs::create_dir_all(directory).and_then(|()| fs::canonicalize(directory));
    made.map_err(|cause| failure(format!("cannot make the directory {}: {cause}", directory.display())))
}

/// The version of PostgreSQL that has made the data, if there are any.
pub(super) fn data_version(data: &Path) -> Option<u32> {
    fs::read_to_string(data.join("PG_VERSION")).ok()?.trim().parse().ok()
}

/// The directory for the socket: the cluster's own, or, when that makes too long a path, one for temporary files.
pub(super) fn socket_directory(home: &Path, owner: &Owner) -> Result<PathBuf, Error> {
    if home.join(SOCKET).as_os_str().len() <= LONGEST_SOCKET {
        return Ok(home.to_path_buf());
    }
    let short = Path::new("/tmp").join(format!("groundplan-{}", short_hash(home)));
    // Anybody may have made it before us, to look into it.
    if let Ok(there) = fs::symlink_metadata(&short)
        && !(there.is_dir() && there.uid() == owner.uid() && there.permissions().mode() & 0o077 == 0)
    {
        return Err(failure(format!(
            "{} is in the way: the path of {} is too long for a socket, and that directory, which should take it, \
             belongs to somebody else; remove it, or set GROUNDPLAN_DATA to a shorter path",
            short.display(),
            home.display()
        )));
    }
    owner.make_private(&short)?;
    Ok(short)
}

/// The socket in its directory.
pub(super) fn socket(directory: &Path) -> PathBuf {
    directory.join(SOCKET)
}

/// The server's settings.
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

/// Who may connect: our user and PostgreSQL's, by the socket, as one of our database users.
pub(super) fn access_rules() -> &'static str {
    "# Written by groundplan at every start.\nlocal all all peer map=groundplan\n"
}

/// Which operating system users are the database user, or the one of a service (deploy/postgres/roles.sql makes those).
pub(super) fn user_map(user: &str) -> String {
    let mut lines = String::from("# Written by groundplan at every start.\n");
    for user in [user, "root", "postgres"] {
        for role in [NAME, "groundplan_schema", "groundplan_records"] {
            lines.push_str(&format!("groundplan \"{user}\" {role}\n"));
        }
    }
    lines
}

/// The process that a running, or killed, server has noted.
pub(super) fn noted_process(data: &Path) -> Option<u32> {
    fs::read_to_string(data.join("postmaster.pid")).ok()?.lines().next()?.trim().parse().ok()
}

/// Replaces the noted process, which is a stranger by now, by one that cannot exist. The file must stay: by the rest of
/// it PostgreSQL finds out whether processes of the killed server are still at the data.
pub(super) fn forget_noted_process(data: &Path) -> std::io::Result<()> {
    let path = data.join("postmaster.pid");
    let text = fs::read_to_string(&path)?;
    let rest = text.split_once('\n').map_or("", |(_, rest)| rest);
    // Written in place: the file keeps its owner.
    fs::write(&path, format!("{IMPOSSIBLE_PROCESS}\n{rest}"))
}

/// Removes the socket of a server that is gone, with the note of whose it was.
pub(super) fn remove_socket(directory: &Path) -> std::io::Result<()> {
    for name in [SOCKET.to_owned(), format!("{SOCKET}.lock")] {
        match fs::remove_file(directory.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Beyond every system's largest process id.
const IMPOSSIBLE_PROCESS: u32 = 999_999_999;

#[cfg(test)]
mod tests {
    use super::{data_version, forget_noted_process, noted_process, settings, socket, socket_directory};
    use crate::private_postgres::{Durability, owner::Owner};
    use std::fs;
    use std::path::Path;

    #[test]
    fn a_stranger_is_forgotten_and_the_rest_is_kept() {
        let data = tempfile::tempdir().unwrap();
        assert_eq!(noted_process(data.path()), None);
        fs::write(data.path().join("postmaster.pid"), "4711\n/data\n1234\n5432\n").unwrap();
        assert_eq!(noted_process(data.path()), Some(4711));
        forget_noted_process(data.path()).unwrap();
        let text = fs::read_to_string(data.path().join("postmaster.pid")).unwrap();
        assert_eq!(text, "999999999\n/data\n1234\n5432\n");
    }

    #[test]
    fn versions_of_data() {
        let data = tempfile::tempdir().unwrap();
        assert_eq!(data_version(data.path()), None);
        fs::write(data.path().join("PG_VERSION"), "15\n").unwrap();
        assert_eq!(data_version(data.path()), Some(15));
    }

    #[test]
    fn a_long_path_gets_a_short_socket() {
        let owner = Owner::find().unwrap();
        let short = Path::new("/tmp/short");
        assert_eq!(socket_directory(short, &owner).unwrap(), short);
        let long = Path::new("/tmp").join("long".repeat(30));
        let directory = socket_directory(&long, &owner).unwrap();
        assert!(socket(&directory).as_os_str().len() <= 103);
        assert_eq!(socket_directory(&long, &owner).unwrap(), directory, "the same at the next start");
        // Somebody else's is refused.
        fs::remove_dir(&directory).unwrap();
        std::os::unix::fs::symlink("/tmp", &directory).unwrap();
        let error = socket_directory(&long, &owner).unwrap_err().to_string();
        fs::remove_file(&directory).unwrap();
        assert!(error.contains("GROUNDPLAN_DATA"), "{error}");
    }

    #[test]
    fn only_tests_do_without_durability() {
        assert!(settings(Path::new("/tmp/it's"), Durability::None).contains("fsync = off"));
        let full = settings(Path::new("/tmp/it's"), Durability::Full);
        assert!(!full.contains("fsync"));
        assert!(full.contains("listen_addresses = ''") && full.contains("'/tmp/it''s'"), "{full}");
    }
}
