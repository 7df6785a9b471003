//! A directory that is opened once and used through its descriptor. No operation follows a link, so another user who can change
//! the directory cannot make a root process read, overwrite or give away a file outside of it.

use super::owner::Owner;
use rustix::fs::{AtFlags, Mode, OFlags, mkdirat, openat, renameat, unlinkat};
use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// An open directory.
#[derive(Debug)]
pub(super) struct Directory {
    file: File,
    path: PathBuf,
}

impl Directory {
    /// Opens a directory that the user has chosen; a link to it is followed.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let file = rustix::fs::open(path, flags, Mode::empty())?;
        Ok(Self { file: file.into(), path: path.to_path_buf() })
    }

    /// Opens a subdirectory, which must not be a link.
    pub(super) fn child(&self, name: &str) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file =
            openat(&self.file, name, flags, Mode::empty()).map_err(|error| self.explain_symlink(name, error.into()))?;
        Ok(Self { file: file.into(), path: self.path.join(name) })
    }

    /// Creates or opens a subdirectory that only PostgreSQL's user can enter. One of another user is rejected, because that user
    /// could read it.
    pub(super) fn private_child(&self, name: &str, owner: &Owner) -> io::Result<Self> {
        match mkdirat(&self.file, name, Mode::RWXU) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        let child = self.child(name)?;
        let uid = child.file.metadata()?.uid();
        if uid != owner.uid() && uid != owner.own_uid() {
            let message = format!("{} belongs to another user (user id {uid})", child.path.display());
            return Err(io::Error::new(ErrorKind::PermissionDenied, message));
        }
        rustix::fs::fchmod(&child.file, Mode::RWXU)?;
        owner.give_to_owner(&child.file)?;
        Ok(child)
    }

    /// Returns the path that was opened, for programs and messages.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads a file from an offset.
    pub(super) fn read_from(&self, name: &str, offset: u64) -> io::Result<String> {
        // NONBLOCK, because opening a pipe would wait for its other end.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file =
            openat(&self.file, name, flags, Mode::empty()).map_err(|error| self.explain_symlink(name, error.into()))?;
        let mut file = File::from(file);
        if !file.metadata()?.is_file() {
            return Err(io::Error::other(format!("{} is not a file", self.path.join(name).display())));
        }
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Reads a file.
    pub(super) fn read(&self, name: &str) -> io::Result<String> {
        self.read_from(name, 0)
    }

    /// Opens or creates a file for locking.
    pub(super) fn lock_file(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = openat(&self.file, name, flags, Mode::RUSR | Mode::WUSR);
        Ok(file.map_err(|error| self.explain_symlink(name, error.into()))?.into())
    }

    /// Returns the length of a file in bytes; 0 if it does not exist.
    pub(super) fn length(&self, name: &str) -> u64 {
        let metadata = rustix::fs::statat(&self.file, name, AtFlags::SYMLINK_NOFOLLOW);
        metadata.map_or(0, |metadata| u64::try_from(metadata.st_size).unwrap_or(0))
    }

    /// Writes a file of PostgreSQL's user atomically. It replaces anything of that name, including a link.
    pub(super) fn write(&self, name: &str, text: &str, owner: &Owner) -> io::Result<()> {
        let draft = format!("{name}.draft");
        self.remove(&draft)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(openat(&self.file, &draft, flags, Mode::RUSR | Mode::WUSR)?);
        file.write_all(text.as_bytes())?;
        owner.give_to_owner(&file)?;
        file.sync_all()?;
        self.rename(&draft, name)
    }

    /// Renames a file or a directory.
    pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(renameat(&self.file, from, &self.file, to)?)
    }

    /// Removes a file, if it exists.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        match unlinkat(&self.file, name, AtFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes a subdirectory with its content, if it exists.
    pub(super) fn remove_all(&self, name: &str) -> io::Result<()> {
        // Through the descriptor, because the path might refer to another directory by now. The standard library follows no links
        // below it.
        match std::fs::remove_dir_all(format!("/proc/self/fd/{}/{name}", self.file.as_raw_fd())) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Replaces the kernel's message if the file is a link.
    fn explain_symlink(&self, name: &str, error: io::Error) -> io::Error {
        let metadata = rustix::fs::statat(&self.file, name, AtFlags::SYMLINK_NOFOLLOW);
        match metadata {
            Ok(metadata) if rustix::fs::FileType::from_raw_mode(metadata.st_mode).is_symlink() => io::Error::other(
                format!("{} is a symbolic link, which is not followed; remove it", self.path.join(name).display()),
            ),
            _ => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Directory, Owner};
    use std::fs;
    use std::os::unix::fs::{MetadataExt as _, symlink};

    #[test]
    fn links_are_neither_read_nor_written_through() {
        let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let victim = theirs.path().join("victim");
        fs::write(&victim, "secret").unwrap();
        let before = fs::metadata(&victim).unwrap();
        let directory = Directory::open(ours.path()).unwrap();
        let owner = Owner::detect().unwrap();
        for name in ["file", "file.draft"] {
            symlink(&victim, ours.path().join(name)).unwrap();
        }
        let error = directory.read("file").unwrap_err().to_string();
        assert!(error.contains("symbolic link"), "{error}");
        directory.write("file", "ours", &owner).unwrap();
        assert_eq!(directory.read("file").unwrap(), "ours");
        let created = fs::symlink_metadata(ours.path().join("file")).unwrap();
        assert_eq!((created.uid(), created.mode() & 0o777), (owner.uid(), 0o600));
        let after = fs::metadata(&victim).unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "secret");
        assert_eq!((before.uid(), before.mode()), (after.uid(), after.mode()));
        symlink(theirs.path(), ours.path().join("below")).unwrap();
        assert!(directory.private_child("below", &owner).unwrap_err().to_string().contains("symbolic link"));
        assert_eq!(fs::metadata(theirs.path()).unwrap().uid(), owner.own_uid(), "the owner is unchanged");
        fs::create_dir(ours.path().join("old")).unwrap();
        symlink(theirs.path(), ours.path().join("old/link")).unwrap();
        directory.remove_all("old").unwrap();
        assert!(victim.exists() && !ours.path().join("old").exists());
    }

    #[test]
    fn a_pipe_does_not_block() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let error = Directory::open(folder.path()).unwrap().read("pipe").unwrap_err().to_string();
        assert!(error.contains("is not a file"), "{error}");
    }
}
