//! A certificate and its key, as PEM files.

use crate::error::CliError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// The length of a PEM line, in characters.
const PEM_LINE_LENGTH: usize = 64;

/// A certificate and its private key, each as DER.
pub(super) type DerPair = (Vec<u8>, Vec<u8>);

/// The paths of a certificate and its key.
#[derive(Debug)]
pub(super) struct PemFiles {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

impl PemFiles {
    /// Returns the paths for a name.
    pub(super) fn named(directory: &Path, name: &str) -> Self {
        Self { certificate: directory.join(format!("{name}.pem")), key: directory.join(format!("{name}.key")) }
    }

    /// Checks whether both files exist; only one of them is an error.
    pub(super) fn exists(&self) -> Result<bool, CliError> {
        match (self.certificate.exists(), self.key.exists()) {
            (false, false) => Ok(false),
            (true, true) => Ok(true),
            (has_certificate, _) => {
                let (present, missing) =
                    if has_certificate { (&self.certificate, &self.key) } else { (&self.key, &self.certificate) };
                Err(CliError::new(format!(
                    "{} exists, and {} is missing: remove the first, or restore the second",
                    present.display(),
                    missing.display()
                )))
            }
        }
    }

    /// Reads the certificate and the key; none if neither exists.
    pub(super) fn read(&self) -> Result<Option<DerPair>, CliError> {
        if !self.exists()? {
            return Ok(None);
        }
        let read_error = |path: &Path, error| CliError::new(format!("{} cannot be read: {error}", path.display()));
        let certificate =
            CertificateDer::from_pem_file(&self.certificate).map_err(|error| read_error(&self.certificate, error))?;
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|error| read_error(&self.key, error))?;
        Ok(Some((certificate.to_vec(), key.secret_der().to_vec())))
    }

    /// Writes both, first the key. After a failure each file is either absent or complete.
    pub(super) fn write(&self, certificate: &[u8], key: &[u8]) -> Result<(), CliError> {
        write_atomically(&self.key, &pem("PRIVATE KEY", key), 0o600)?;
        write_atomically(&self.certificate, &pem("CERTIFICATE", certificate), 0o644)
    }
}

/// Creates the folder if it does not exist.
pub(super) fn create_directory(directory: &Path) -> Result<(), CliError> {
    fs::create_dir_all(directory)
        .map_err(|error| CliError::new(format!("{} cannot be created: {error}", directory.display())))
}

/// Replaces a file atomically.
fn write_atomically(path: &Path, text: &str, mode: u32) -> Result<(), CliError> {
    let draft = path.with_extension(format!("draft-{}", std::process::id()));
    let written = remove_if_exists(&draft)
        .and_then(|()| OpenOptions::new().write(true).create_new(true).mode(mode).open(&draft))
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&draft, path));
    written.map_err(|error| {
        let _ = fs::remove_file(&draft);
        CliError::new(format!("{} cannot be written: {error}", path.display()))
    })
}

fn remove_if_exists(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Encodes bytes as PEM.
fn pem(label: &str, bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    let mut lines = vec![format!("-----BEGIN {label}-----")];
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(PEM_LINE_LENGTH));
        lines.push(line.to_owned());
        rest = after;
    }
    lines.push(format!("-----END {label}-----\n"));
    lines.join("\n")
}
