//! The TLS configuration of files, cached while they do not change.

use super::parameters::{Authorities, Parameters, SslVerification};
use super::verifier::{TrustedCertificates, Verifier};
use crate::tls::files::{FileState, file_error, file_state, read_certificates, read_key};
use groundplan_error::{Error, Reason};
use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::version::{TLS12, TLS13};
use std::sync::{Arc, Mutex, PoisonError};

/// The ALPN protocol name, which PostgreSQL requires for connections that start with TLS (`sslnegotiation=direct`).
const PROTOCOL: &[u8] = b"postgresql";

/// The names of the settings, for messages.
const AUTHORITIES: &str = "sslrootcert of DB_URL";
const CERTIFICATE: &str = "sslcert of DB_URL";
const KEY: &str = "sslkey of DB_URL";

/// The configuration, and the states of the files that it was read from.
pub(super) struct ConfigCache {
    parameters: Parameters,
    loaded: Mutex<Option<(FileStates, Arc<ClientConfig>)>>,
}

/// The states of `sslrootcert`, `sslcert` and `sslkey`.
type FileStates = [Option<FileState>; 3];

impl ConfigCache {
    pub(super) fn new(parameters: &Parameters) -> Self {
        Self { parameters: parameters.clone(), loaded: Mutex::new(None) }
    }

    /// Returns the current configuration. Reads changed files again; if they are invalid, the previous configuration stays in
    /// use.
    pub(super) fn current(&self) -> Result<Arc<ClientConfig>, Error> {
        // Hold the lock: other threads do not need to read the same files.
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        // Take the states before reading: a change in between is detected the next time.
        let states = self.states();
        if let Some((loaded_states, config)) = &*loaded
            && *loaded_states == states
        {
            return Ok(Arc::clone(config));
        }
        let config = match (self.read_config(), &*loaded) {
            (Ok(config), _) => Arc::new(config),
            (Err(error), None) => return Err(into_database_error(error)),
            (Err(error), Some((_, config))) => {
                let error = error.log_text();
                tracing::error!(error, "changed TLS files for the database are invalid; the previous ones stay in use");
                Arc::clone(config)
            }
        };
        *loaded = Some((states, Arc::clone(&config)));
        Ok(config)
    }

    fn states(&self) -> FileStates {
        let authorities = match &self.parameters.authorities {
            Some(Authorities::File(file)) => Some(file),
            Some(Authorities::System) | None => None,
        };
        let (certificate, key) = self.parameters.identity.as_ref().map(|(certificate, key)| (certificate, key)).unzip();
        [authorities, certificate, key].map(|file| file.map(|file| file_state(file)))
    }

    fn read_config(&self) -> Result<ClientConfig, Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let trusted = self.parameters.authorities.as_ref().map(load_trusted).transpose()?;
        let verify_name = self.parameters.mode == SslVerification::VerifyFull;
        let verifier = Verifier::new(provider.signature_verification_algorithms, trusted, verify_name);
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(Error::internal)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match &self.parameters.identity {
            None => builder.with_no_client_auth(),
            Some((certificate, file)) => {
                let (chain, key) = (read_certificates(CERTIFICATE, certificate)?, read_key(KEY, file)?);
                builder.with_client_auth_cert(chain, key).map_err(|error| {
                    let problem = format!("does not match the key in {}: {error}", file.display());
                    file_error(CERTIFICATE, certificate, &problem)
                })?
            }
        };
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        // Resumption would skip the verification of certificates; PostgreSQL does not support it anyway.
        config.resumption = Resumption::disabled();
        Ok(config)
    }
}

fn load_trusted(authorities: &Authorities) -> Result<TrustedCertificates, Error> {
    match authorities {
        Authorities::File(file) => {
            TrustedCertificates::from_all(read_certificates(AUTHORITIES, file)?).map_err(|error| {
                file_error(
                    AUTHORITIES,
                    file,
                    &format!("has a certificate that cannot be used as an authority: {error}"),
                )
            })
        }
        Authorities::System => {
            let native = rustls_native_certs::load_native_certs();
            let errors: Vec<_> = native.errors.iter().map(ToString::to_string).collect();
            TrustedCertificates::from_parsable(native.certs).ok_or_else(|| {
                let message = format!(
                    "sslrootcert=system of DB_URL: this system has no authorities; install its package of CA certificates, or \
                     set SSL_CERT_FILE or sslrootcert to a file {}",
                    errors.join(", ")
                );
                Error::new(Reason::DatabaseUnavailable, message.trim_end())
            })
        }
    }
}

/// Converts an error to one of the database.
fn into_database_error(error: Error) -> Error {
    Error::new(Reason::DatabaseUnavailable, error.message()).caused_by(error)
}
