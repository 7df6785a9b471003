//! TLS to PostgreSQL, with the parameters of libpq: `sslmode`, `sslrootcert`, `sslcert`, `sslkey`.
//!
//! They are removed from `DB_URL` before tokio-postgres parses it, because it supports few of them. A new connection reads
//! changed files again. If they are invalid, the error is logged and the previous ones stay in use.

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

/// Splits a connection string into the string without the TLS parameters, and the parameters.
pub(super) fn extract_parameters(url: &Secret) -> (String, ParameterPairs) {
    connection_string::extract(url.expose(), &parameters::NAMES)
}

/// The TLS settings of connections to a database.
pub(super) struct Tls {
    attempts: &'static [SslMode],
    parameters: Parameters,
    cache: Arc<ConfigCache>,
}

impl Tls {
    /// Parses the parameters of a connection string. Returns a message if they are invalid.
    pub(super) fn from_pairs(pairs: ParameterPairs) -> Result<Self, String> {
        let parameters = Parameters::from_pairs(pairs)?;
        let cache = Arc::new(ConfigCache::new(&parameters));
        Ok(Self { attempts: parameters.mode.attempts(), parameters, cache })
    }

    /// Disables TLS, for unix sockets: they are local, and PostgreSQL has no TLS there.
    pub(super) fn disable(&mut self) {
        self.attempts = &[SslMode::Disable];
    }

    /// Returns the modes to try, one after the other.
    pub(super) fn attempts(&self) -> &'static [SslMode] {
        self.attempts
    }

    /// Returns the connector for a new connection.
    pub(super) async fn connector(&self) -> Result<Connector, Error> {
        if self.attempts == [SslMode::Disable] {
            return Ok(Connector::without_tls());
        }
        let cache = Arc::clone(&self.cache);
        // Mounted files can be slow to read.
        let config = spawn_blocking(move || cache.current()).await.map_err(Error::internal)??;
        Ok(Connector::new(config))
    }

    /// Returns the parameters, for error messages.
    pub(super) fn parameters(&self) -> &Parameters {
        &self.parameters
    }
}
