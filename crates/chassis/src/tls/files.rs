//! Files of certificates and keys, and what may be wrong with them; and the three of mutual TLS.

use super::{PeerName, failure};
use crate::settings::TlsSettings;
use groundplan_error::Error;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fmt::Display;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The largest file that is read. A bundle of all public authorities has a quarter of a megabyte.
const MAX_FILE: u64 = 4 << 20;

/// Where the files are.
#[derive(Clone, Debug)]
pub(super) struct Files {
    certificate: PathBuf,
    key: PathBuf,
    authorities: PathBuf,
}

/// What tells one state of a file from another: its time, its length and its number; none where it is not there.
pub(crate) type Stamp = Option<(i64, i64, u64, u64)>;

impl Files {
    /// The files of the settings: all, or none.
    pub(super) fn of(settings: &TlsSettings) -> Result<Option<Self>, Error> {
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
                Err(failure(message))
            }
        }
    }

    /// The states of the files.
    pub(super) fn stamps(&self) -> [Stamp; 3] {
        [&self.certificate, &self.key, &self.authorities].map(|path| stamp(path))
    }

    /// The certificate and its chain.
    pub(super) fn chain(&self) -> Result<Vec<CertificateDer<'static>>, Error> {
        certificates("GROUNDPLAN_TLS_CERT", &self.certificate)
    }

    /// The private key.
    pub(super) fn key(&self) -> Result<PrivateKeyDer<'static>, Error> {
        key("GROUNDPLAN_TLS_KEY", &self.key)
    }

    /// What the certificate calls us.
    pub(super) fn name(&self, chain: &[CertificateDer<'static>]) -> Result<PeerName, Error> {
        chain.first().and_then(PeerName::of).ok_or_else(|| {
            wrong("GROUNDPLAN_TLS_CERT", &self.certificate, "names no service by a URI spiffe://groundplan/<name>")
        })
    }

    /// The authorities that are believed.
    pub(super) fn authorities(&self) -> Result<RootCertStore, Error> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates("GROUNDPLAN_TLS_CA", &self.authorities)? {
            roots.add(certificate).map_err(|error| self.unfit_authorities(&error))?;
        }
        Ok(roots)
    }

    /// Why the authorities cannot be used.
    pub(super) fn unfit_authorities(&self, error: &dyn Display) -> Error {
        let what = format!("has a certificate that cannot be an authority's: {error}");
        wrong("GROUNDPLAN_TLS_CA", &self.authorities, &what)
    }

    /// Why certificate and key do not go together.
    pub(super) fn mismatch(&self, error: rustls::Error) -> Error {
        let what = format!("does not go with the key in {}: {error}", self.key.display());
        wrong("GROUNDPLAN_TLS_CERT", &self.certificate, &what).caused_by(error)
    }
}

/// The state of a file. It follows symbolic links, by which Kubernetes changes all files of a secret at once.
pub(crate) fn stamp(path: &Path) -> Stamp {
    let about = std::fs::metadata(path).ok()?;
    Some((about.mtime(), about.mtime_nsec(), about.len(), about.ino()))
}

/// The private key of a file.
pub(crate) fn key(setting: &str, path: &Path) -> Result<PrivateKeyDer<'static>, Error> {
    let bytes = read(setting, path)?;
    PrivateKeyDer::from_pem_slice(&bytes)
        .map_err(|_| wrong(setting, path, "has no private key in PEM form that is not encrypted"))
}

/// The certificates of a file: at least one.
pub(crate) fn certificates(setting: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let bytes = read(setting, path)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(wrong(setting, path, "has no certificate in PEM form")),
        Err(error) => Err(wrong(setting, path, &format!("is not in PEM form: {error}"))),
    }
}

fn read(setting: &str, path: &Path) -> Result<Vec<u8>, Error> {
    let unreadable = |error: std::io::Error| wrong(setting, path, &format!("cannot be read: {error}"));
    let about = std::fs::metadata(path).map_err(unreadable)?;
    if !about.is_file() || about.len() > MAX_FILE {
        return Err(wrong(setting, path, "is not a file of certificates or keys"));
    }
    std::fs::read(path).map_err(unreadable)
}

/// Names the setting, the file, and what is wrong with it.
pub(crate) fn wrong(setting: &str, path: &Path, what: &str) -> Error {
    failure(format!("{setting}: {} {what}", path.display()))
}
