//! Links and directories of other users.

use crate::{directory, settings};
use groundplan_chassis::private_postgres::PrivatePostgres;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use tempfile::TempDir;

/// A file that only this user can access, in its own directory, with its metadata.
struct Victim {
    folder: TempDir,
    before: (u32, u32, i64),
}

impl Victim {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("victim"), "4711\nours\n").unwrap();
        fs::set_permissions(folder.path().join("victim"), fs::Permissions::from_mode(0o600)).unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).unwrap();
        let before = Self::about(&folder.path().join("victim"));
        Self { folder, before }
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("victim")
    }

    fn about(path: &Path) -> (u32, u32, i64) {
        let about = fs::metadata(path).unwrap();
        (about.uid(), about.mode(), about.ctime_nsec())
    }

    fn assert_untouched(&self, what: &str) {
        assert_eq!(fs::read_to_string(self.path()).unwrap(), "4711\nours\n", "{what}");
        assert_eq!(Self::about(&self.path()), self.before, "{what}");
        let folder = fs::metadata(self.folder.path()).unwrap();
        assert_eq!((folder.uid(), folder.mode() & 0o777), (self.before.0, 0o711), "{what}");
    }
}

/// Links that the user `postgres` can create in its directory must not make a root process change other files.
#[tokio::test]
async fn a_link_instead_of_a_file_is_not_followed() {
    let directory = directory();
    PrivatePostgres::for_tests(directory.path(), &settings()).await.unwrap().stop().await.unwrap();
    let data = directory.path().join("postgres/data");
    for name in ["groundplan.conf", "pg_hba.conf", "pg_ident.conf", "postgresql.conf", "postmaster.pid"] {
        let (victim, file) = (Victim::new(), data.join(name));
        let kept = fs::read(&file).ok();
        let _ = fs::remove_file(&file);
        std::os::unix::fs::symlink(victim.path(), &file).unwrap();
        let started = PrivatePostgres::for_tests(directory.path(), &settings()).await;
        victim.assert_untouched(name);
        match started {
            Ok(postgres) => postgres.stop().await.unwrap(),
            // Its content is kept, so it is read first.
            Err(error) => assert!(error.to_string().contains("symbolic link"), "{name}: {error}"),
        }
        let _ = fs::remove_file(&file);
        if let Some(kept) = kept {
            let owner = fs::metadata(&data).unwrap();
            fs::write(&file, kept).unwrap();
            std::os::unix::fs::chown(&file, Some(owner.uid()), Some(owner.gid())).unwrap();
        }
    }
    let postgres = PrivatePostgres::for_tests(directory.path(), &settings()).await.unwrap();
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn a_link_instead_of_a_directory_or_the_lock_is_not_followed() {
    for (name, to_folder) in [("postgres", true), ("postgres.lock", false)] {
        let (directory, victim) = (directory(), Victim::new());
        let to = if to_folder { victim.folder.path().to_path_buf() } else { victim.path() };
        std::os::unix::fs::symlink(to, directory.path().join(name)).unwrap();
        let error = PrivatePostgres::for_tests(directory.path(), &settings()).await.unwrap_err().to_string();
        assert!(error.contains("symbolic link") && error.contains(name), "{error}");
        victim.assert_untouched(name);
    }
}

#[tokio::test]
async fn a_directory_of_another_user_is_rejected() {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return; // only root can make one
    }
    let directory = directory();
    fs::create_dir(directory.path().join("postgres")).unwrap();
    std::os::unix::fs::chown(directory.path().join("postgres"), Some(65_534), None).unwrap();
    let error = PrivatePostgres::for_tests(directory.path(), &settings()).await.unwrap_err().to_string();
    assert!(error.contains("belongs to another user (user id 65534)") && error.contains("GROUNDPLAN_DATA"), "{error}");
    assert_eq!(fs::metadata(directory.path().join("postgres")).unwrap().uid(), 65_534);
}
