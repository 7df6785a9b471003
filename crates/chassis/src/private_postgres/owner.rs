//! The user that PostgreSQL runs as: it rejects root, so root switches to `postgres`.

use super::postgres_error;
use groundplan_error::Error;
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt as _, fchown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

/// The user to run as.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    /// The user of this process.
    uid: u32,
    /// The user to switch to.
    postgres: Option<UserIds>,
}

#[derive(Clone, Copy, Debug)]
struct UserIds {
    uid: u32,
    gid: u32,
}

impl Owner {
    /// Determines the user of this process, and the one to run as.
    pub(super) fn detect() -> Result<Self, Error> {
        let uid = rustix::process::geteuid().as_raw();
        if uid != 0 {
            return Ok(Self { uid, postgres: None });
        }
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let Some(postgres) = ids(&users, "postgres") else {
            return Err(postgres_error(
                "running as root, and there is no user `postgres` to switch to: PostgreSQL does not run as root. Install it \
                 (Debian, Ubuntu: apt-get install postgresql), which creates the user; or run as another user; or set DB_URL",
            ));
        };
        Ok(Self { uid, postgres: Some(postgres) })
    }

    /// Returns the user id of PostgreSQL's files.
    pub(super) fn uid(&self) -> u32 {
        self.postgres.map_or(self.uid, |ids| ids.uid)
    }

    /// Checks that PostgreSQL's user can enter `directory` and all its parents.
    pub(super) fn check_reach(&self, directory: &Path) -> Result<(), Error> {
        let Some(ids) = self.postgres else { return Ok(()) };
        for ancestor in directory.ancestors() {
            let Ok(metadata) = fs::metadata(ancestor) else { continue };
            let pass = match metadata.mode() {
                mode if metadata.uid() == ids.uid => mode & 0o100,
                mode if metadata.gid() == ids.gid => mode & 0o010,
                mode => mode & 0o001,
            };
            if pass == 0 {
                return Err(postgres_error(format!(
                    "the user `postgres`, which the private PostgreSQL runs as because this process is root, cannot enter {}: \
                     set GROUNDPLAN_DATA to a directory it can reach, such as /var/lib/groundplan, or run chmod o+x",
                    ancestor.display()
                )));
            }
        }
        Ok(())
    }

    /// Returns the user id of this process.
    pub(super) fn own_uid(&self) -> u32 {
        self.uid
    }

    /// Changes the owner of an open file or directory to PostgreSQL's user.
    pub(super) fn give_to_owner(&self, file: &File) -> std::io::Result<()> {
        match self.postgres {
            Some(ids) => fchown(file, Some(ids.uid), Some(ids.gid)),
            None => Ok(()),
        }
    }

    /// Makes a program run as PostgreSQL's user. The standard library also drops supplementary groups.
    pub(super) fn run_as(&self, command: &mut Command) {
        if let Some(ids) = self.postgres {
            command.uid(ids.uid).gid(ids.gid);
        }
    }
}

/// Parses the ids of a user from the text of `/etc/passwd`.
fn ids(users: &str, name: &str) -> Option<UserIds> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next()? != name {
            return None;
        }
        let _password = fields.next()?;
        Some(UserIds { uid: fields.next()?.parse().ok()?, gid: fields.next()?.parse().ok()? })
    })
}

#[cfg(test)]
mod tests {
    use super::{Owner, UserIds, ids};
    use std::fs::{Permissions, create_dir, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn users_are_found_by_their_whole_name() {
        let users = "root:x:0:0::/root:/bin/sh\npostgresql:x:7:8::/:/bin/sh\npostgres:x:101:104::/:/bin/sh\n";
        let postgres = ids(users, "postgres").unwrap();
        assert_eq!((postgres.uid, postgres.gid), (101, 104));
        assert!(ids(users, "nobody").is_none());
    }

    #[test]
    fn an_unreachable_directory_is_reported_with_a_remedy() {
        let closed = tempfile::tempdir().unwrap();
        let directory = closed.path().join("inner");
        create_dir(&directory).unwrap();
        let owner = Owner { uid: 0, postgres: Some(UserIds { uid: 4_000_000, gid: 4_000_000 }) };
        set_permissions(closed.path(), Permissions::from_mode(0o711)).unwrap();
        assert!(owner.check_reach(&directory).is_ok());
        set_permissions(closed.path(), Permissions::from_mode(0o700)).unwrap();
        let error = owner.check_reach(&directory).unwrap_err().to_string();
        assert!(error.contains(closed.path().to_str().unwrap()) && error.contains("GROUNDPLAN_DATA"), "{error}");
        assert!(
            Owner { uid: 1, postgres: None }.check_reach(&directory).is_ok(),
            "without root there is nothing to check"
        );
    }
}
