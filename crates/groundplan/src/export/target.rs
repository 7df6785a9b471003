//! The target of an export: standard output, or a file that appears only when it is complete.

use crate::error::CliError;
use crate::transfer::STANDARD_STREAM;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The target of an export.
pub(super) struct ExportTarget {
    out: Box<dyn Write + Send>,
    /// The temporary path and the final path of a file.
    names: Option<(PathBuf, PathBuf)>,
}

impl ExportTarget {
    pub(super) fn open(path: &Path) -> Result<Self, CliError> {
        if path == Path::new(STANDARD_STREAM) {
            return Ok(Self { out: Box::new(io::stdout()), names: None });
        }
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let file = File::create(&part).map_err(|error| failed(&part, &error))?;
        Ok(Self { out: Box::new(file), names: Some((part, path.to_owned())) })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), CliError> {
        self.out.write_all(bytes).map_err(|error| self.failed(&error))
    }

    /// Finishes the file and moves it to its final path.
    pub(super) fn finish(mut self) -> Result<(), CliError> {
        self.out.flush().map_err(|error| self.failed(&error))?;
        match &self.names {
            Some((part, path)) => fs::rename(part, path).map_err(|error| failed(path, &error)),
            None => Ok(()),
        }
    }

    fn failed(&self, error: &io::Error) -> CliError {
        match &self.names {
            Some((part, _)) => failed(part, error),
            // The reader has closed standard output, as with `| head`.
            None if error.kind() == io::ErrorKind::BrokenPipe => CliError::already_reported(),
            None => CliError::new(format!("standard output cannot be written: {error}")),
        }
    }
}

fn failed(path: &Path, error: &io::Error) -> CliError {
    CliError::new(format!("{} cannot be written: {error}", path.display()))
}
