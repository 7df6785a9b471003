//! TLS to PostgreSQL, by the parameters that libpq knows: `sslmode`, `sslrootcert`, `sslcert`, `sslkey`.
//!
//! They are taken out of `DB_URL` before tokio-postgres reads it, which knows few of them. The files are read again by the next
//! connection when they have changed; a change that cannot be used is logged, and what was good before goes on.

mod advice;
mod connection_string;
mod files;
mod parameters;
mod stream;
mod verifier;

pub(super) use advice::{advice, is_handshake_error};
pub(super) use stream::{Connector, Stream};

use crate::settings::Secret;
use connection_string::ParameterPairs;
use files::ConfigCache;
use groundplan_error::Error;
use parameters::Parameters;
use std::sync::Arc;
use tokio::task::spawn_blocking;
use tokio_postgres::config::SslMode;

/// Takes our parameters out of a connection string, and gives what is left of it.
pub(super) fn extract_parameters(url: &Secret) -> (String, ParameterPairs) {
    connection_string::extract(url.expose(), &parameters::NAMES)
}

/// How connections to a database are kept from being read and changed on their way.
pub(super) struct Tls {
    attempts: &'static [SslMode],
    parameters: Parameters,
    cache: Arc<ConfigCache>,
}

impl Tls {
    /// Understands what was taken out of a connection string. An error says what is wrong with it.
    pub(super) fn from_pairs(pairs: ParameterPairs) -> Result<Self, String> {
        let parameters = Parameters::from_pairs(pairs)?;
        let cache = Arc::new(ConfigCache::new(&parameters));
        Ok(Self { attempts: parameters.mode.attempts(), parameters, cache })
    }

    /// For a server on this machine's own sockets: nobody else is on the way, and PostgreSQL has no TLS there.
    pub(super) fn disable(&mut self) {
        self.attempts = &[SslMode::Disable];
    }

    /// What is tried, one after the other, while it is refused.
    pub(super) fn attempts(&self) -> &'static [SslMode] {
        self.attempts
    }

    /// What a connection that is opened now is held to.
    pub(super) async fn connector(&self) -> Result<Connector, Error> {
        if self.attempts == [SslMode::Disable] {
            return Ok(Connector::without_tls());
        }
        let cache = Arc::clone(&self.cache);
        // Files may be slow to read where they are mounted.
        let config = spawn_blocking(move || cache.current()).await.map_err(Error::internal)??;
        Ok(Connector::new(config))
    }

    /// The parameters, for what is said about failures.
    pub(super) fn parameters(&self) -> &Parameters {
        &self.parameters
    }
}
