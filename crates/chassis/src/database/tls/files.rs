//! What is made of the files, for as long as they stay as they are.

use super::parameters::{Authorities, Mode, Parameters};
use super::verifier::{TrustedCertificates, Verifier};
use crate::tls::files::{FileState, file_error, file_state, read_certificates, read_key};
use groundplan_error::{Error, Reason};
use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::version::{TLS12, TLS13};
use std::sync::{Arc, Mutex, PoisonError};

/// The protocol's name, which PostgreSQL asks for where a connection begins with TLS (`sslnegotiation=direct`).
const PROTOCOL: &[u8] = b"postgresql";

/// The names of the settings, for messages.
const AUTHORITIES: &str = "sslrootcert of DB_URL";
const CERTIFICATE: &str = "sslcert of DB_URL";
const KEY: &str = "sslkey of DB_URL";

/// What was made of the files, and of which state of them.
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

    /// What holds now. Reads files that have changed; when they cannot be used, what was good before goes on.
    pub(super) fn current(&self) -> Result<Arc<ClientConfig>, Error> {
        // Nobody else needs to read the same files at the same time.
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        // Before they are read: a change in between is seen the next time.
        let states = self.states();
        if let Some((loaded_states, config)) = &*loaded
            && *loaded_states == states
        {
            return Ok(Arc::clone(config));
        }
        let config = match (self.read(), &*loaded) {
            (Ok(config), _) => Arc::new(config),
            (Err(error), None) => return Err(into_database_error(error)),
            (Err(error), Some((_, config))) => {
                let error = error.log_text();
                tracing::error!(error, "changed files of TLS to the database cannot be used; what they were still is");
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

    fn read(&self) -> Result<ClientConfig, Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let trusted = self.parameters.authorities.as_ref().map(load_trusted).transpose()?;
        let verify_name = self.parameters.mode == Mode::VerifyFull;
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
                    let problem = format!("does not go with the key in {}: {error}", file.display());
                    file_error(CERTIFICATE, certificate, &problem)
                })?
            }
        };
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        // Whoever takes up an earlier connection is not held against the authorities again; PostgreSQL does not do it anyway.
        config.resumption = Resumption::disabled();
        Ok(config)
    }
}

fn load_trusted(authorities: &Authorities) -> Result<TrustedCertificates, Error> {
    match authorities {
        Authorities::File(file) => TrustedCertificates::all(read_certificates(AUTHORITIES, file)?).map_err(|error| {
            file_error(AUTHORITIES, file, &format!("has a certificate that cannot be an authority's: {error}"))
        }),
        Authorities::System => {
            let native = rustls_native_certs::load_native_certs();
            let errors: Vec<_> = native.errors.iter().map(ToString::to_string).collect();
            TrustedCertificates::readable(native.certs).ok_or_else(|| {
                let message = format!(
                    "sslrootcert=system of DB_URL: this system has no authorities; install its package of them, or name a file \
                     by SSL_CERT_FILE or by sslrootcert {}",
                    errors.join(", ")
                );
                Error::new(Reason::DatabaseUnavailable, message.trim_end())
            })
        }
    }
}

/// The same error, as one of the database.
fn into_database_error(error: Error) -> Error {
    Error::new(Reason::DatabaseUnavailable, error.message()).caused_by(error)
}
