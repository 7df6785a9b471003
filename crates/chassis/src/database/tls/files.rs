//! What is made of the files, for as long as they stay as they are.

use super::parameters::{Authorities, Mode, Parameters};
use super::verifier::{Trusted, Verifier};
use crate::tls::files::{Stamp, certificates, key, stamp, wrong};
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
pub(super) struct Kept {
    parameters: Parameters,
    made: Mutex<Option<(Stamps, Arc<ClientConfig>)>>,
}

/// The states of `sslrootcert`, `sslcert` and `sslkey`.
type Stamps = [Option<Stamp>; 3];

impl Kept {
    pub(super) fn of(parameters: &Parameters) -> Self {
        Self { parameters: parameters.clone(), made: Mutex::new(None) }
    }

    /// What holds now. Reads files that have changed; when they cannot be used, what was good before goes on.
    pub(super) fn now(&self) -> Result<Arc<ClientConfig>, Error> {
        // Nobody else needs to read the same files at the same time.
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        // Before they are read: a change in between is seen the next time.
        let now = self.stamps();
        if let Some((then, config)) = &*made
            && *then == now
        {
            return Ok(Arc::clone(config));
        }
        let config = match (self.read(), &*made) {
            (Ok(config), _) => Arc::new(config),
            (Err(error), None) => return Err(unusable(error)),
            (Err(error), Some((_, config))) => {
                let error = error.log_text();
                tracing::error!(error, "changed files of TLS to the database cannot be used; what they were still is");
                Arc::clone(config)
            }
        };
        *made = Some((now, Arc::clone(&config)));
        Ok(config)
    }

    fn stamps(&self) -> Stamps {
        let authorities = match &self.parameters.authorities {
            Some(Authorities::File(file)) => Some(file),
            Some(Authorities::System) | None => None,
        };
        let (certificate, key) = self.parameters.identity.as_ref().map(|(certificate, key)| (certificate, key)).unzip();
        [authorities, certificate, key].map(|file| file.map(|file| stamp(file)))
    }

    fn read(&self) -> Result<ClientConfig, Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let trusted = self.parameters.authorities.as_ref().map(trusted).transpose()?;
        let is_named = self.parameters.mode == Mode::VerifyFull;
        let verifier = Verifier::new(provider.signature_verification_algorithms, trusted, is_named);
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(Error::internal)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match &self.parameters.identity {
            None => builder.with_no_client_auth(),
            Some((certificate, file)) => {
                let (chain, key) = (certificates(CERTIFICATE, certificate)?, key(KEY, file)?);
                builder.with_client_auth_cert(chain, key).map_err(|error| {
                    let what = format!("does not go with the key in {}: {error}", file.display());
                    wrong(CERTIFICATE, certificate, &what)
                })?
            }
        };
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        // Whoever takes up an earlier connection is not held against the authorities again; PostgreSQL does not do it anyway.
        config.resumption = Resumption::disabled();
        Ok(config)
    }
}

fn trusted(authorities: &Authorities) -> Result<Trusted, Error> {
    match authorities {
        Authorities::File(file) => Trusted::all(certificates(AUTHORITIES, file)?).map_err(|error| {
            wrong(AUTHORITIES, file, &format!("has a certificate that cannot be an authority's: {error}"))
        }),
        Authorities::System => {
            let found = rustls_native_certs::load_native_certs();
            let errors: Vec<_> = found.errors.iter().map(ToString::to_string).collect();
            Trusted::readable(found.certs).ok_or_else(|| {
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
fn unusable(error: Error) -> Error {
    Error::new(Reason::DatabaseUnavailable, error.message()).caused_by(error)
}
