//! Reads files of certificates and keys, and reports invalid ones.

use super::{PeerName, tls_error};
use crate::settings::TlsSettings;
use groundplan_error::Error;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fmt::Display;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The largest file that is read, in bytes. A bundle of all public authorities has a quarter of a megabyte.
const MAX_FILE: u64 = 4 << 20;

/// The paths of the files.
#[derive(Clone, Debug)]
pub(super) struct TlsFiles {
    certificate: PathBuf,
    key: PathBuf,
    authorities: PathBuf,
}

/// The state of a file: its modification time, its length and its inode; none if it does not exist.
pub(crate) type FileState = Option<(i64, i64, u64, u64)>;

impl TlsFiles {
    /// Returns the files of the settings: all three, or none.
    pub(super) fn from_settings(settings: &TlsSettings) -> Result<Option<Self>, Error> {
        match (&settings.tls_cert, &settings.tls_key, &settings.tls_ca) {
            (None, None, None) => Ok(None),
            (Some(certificate), Some(key), Some(authorities)) => {
                let (certificate, key, authorities) = (certificate.clone(), key.clone(), authorities.clone());
                Ok(Some(Self { certificate, key, authorities }))
            }
            (certificate, key, authorities) => {
                let is_set = [certificate.is_some(), key.is_some(), authorities.is_some()];
                let names = ["GROUNDPLAN_TLS_CERT", "GROUNDPLAN_TLS_KEY", "GROUNDPLAN_TLS_CA"];
                let missing: Vec<_> =
                    names.into_iter().zip(is_set).filter(|(_, set)| !set).map(|(name, _)| name).collect();
                let message = format!("{} is missing: TLS needs all three files, or none", missing.join(" and "));
                Err(tls_error(message))
            }
        }
    }

    /// Returns the states of the files.
    pub(super) fn states(&self) -> [FileState; 3] {
        [&self.certificate, &self.key, &self.authorities].map(|path| file_state(path))
    }

    /// Reads the certificate and its chain.
    pub(super) fn chain(&self) -> Result<Vec<CertificateDer<'static>>, Error> {
        read_certificates("GROUNDPLAN_TLS_CERT", &self.certificate)
    }

    /// Reads the private key.
    pub(super) fn key(&self) -> Result<PrivateKeyDer<'static>, Error> {
        read_key("GROUNDPLAN_TLS_KEY", &self.key)
    }

    /// Returns the name of this process in its certificate.
    pub(super) fn name(&self, chain: &[CertificateDer<'static>]) -> Result<PeerName, Error> {
        chain.first().and_then(PeerName::from_certificate).ok_or_else(|| {
            file_error("GROUNDPLAN_TLS_CERT", &self.certificate, "names no service by a URI spiffe://groundplan/<name>")
        })
    }

    /// Reads the trusted authorities.
    pub(super) fn authorities(&self) -> Result<RootCertStore, Error> {
        let mut roots = RootCertStore::empty();
        for certificate in read_certificates("GROUNDPLAN_TLS_CA", &self.authorities)? {
            roots.add(certificate).map_err(|error| self.authorities_error(&error))?;
        }
        Ok(roots)
    }

    /// Creates the error for authorities that cannot be used.
    pub(super) fn authorities_error(&self, error: &dyn Display) -> Error {
        let problem = format!("has a certificate that cannot be used as an authority: {error}");
        file_error("GROUNDPLAN_TLS_CA", &self.authorities, &problem)
    }

    /// Creates the error for a key that does not match the certificate.
    pub(super) fn mismatch_error(&self, error: rustls::Error) -> Error {
        let problem = format!("does not match the key in {}: {error}", self.key.display());
        file_error("GROUNDPLAN_TLS_CERT", &self.certificate, &problem).caused_by(error)
    }
}

/// Returns the state of a file. It follows symbolic links, which Kubernetes uses to replace all files of a secret atomically.
pub(crate) fn file_state(path: &Path) -> FileState {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.mtime(), metadata.mtime_nsec(), metadata.len(), metadata.ino()))
}

/// Reads a private key.
pub(crate) fn read_key(setting: &str, path: &Path) -> Result<PrivateKeyDer<'static>, Error> {
    let bytes = read(setting, path)?;
    PrivateKeyDer::from_pem_slice(&bytes)
        .map_err(|_| file_error(setting, path, "has no unencrypted private key in PEM form"))
}

/// Reads the certificates of a file: at least one.
pub(crate) fn read_certificates(setting: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let bytes = read(setting, path)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(file_error(setting, path, "has no certificate in PEM form")),
        Err(error) => Err(file_error(setting, path, &format!("is not in PEM form: {error}"))),
    }
}

fn read(setting: &str, path: &Path) -> Result<Vec<u8>, Error> {
    let unreadable = |error: std::io::Error| file_error(setting, path, &format!("cannot be read: {error}"));
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() || metadata.len() > MAX_FILE {
        return Err(file_error(setting, path, "is not a file of certificates or keys"));
    }
    std::fs::read(path).map_err(unreadable)
}

/// Creates an error that names the setting, the file and the problem.
pub(crate) fn file_error(setting: &str, path: &Path, problem: &str) -> Error {
    tls_error(format!("{setting}: {} {problem}", path.display()))
}
