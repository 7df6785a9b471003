//! TLS to PostgreSQL, by the parameters that libpq knows: `sslmode`, `sslrootcert`, `sslcert`, `sslkey`.
//!
//! They are taken out of `DB_URL` before tokio-postgres reads it, which knows few of them. The files are read again by the next
//! connection when they have changed; a change that cannot be used is logged, and what was good before goes on.

mod advice;
mod files;
mod parameters;
mod stream;
mod text;
mod verifier;

pub(super) use advice::{advice, is_handshake};
pub(super) use stream::{Connector, Stream};

use crate::settings::Secret;
use files::Kept;
use groundplan_error::Error;
use parameters::Parameters;
use std::sync::Arc;
use text::Taken;
use tokio::task::spawn_blocking;
use tokio_postgres::config::SslMode;

/// Takes our parameters out of a connection string, and gives what is left of it.
pub(super) fn take(url: &Secret) -> (String, Taken) {
    text::take(url.expose(), &parameters::NAMES)
}

/// How connections to a database are kept from being read and changed on their way.
pub(super) struct Tls {
    attempts: &'static [SslMode],
    parameters: Parameters,
    kept: Arc<Kept>,
}

impl Tls {
    /// Understands what was taken out of a connection string. An error says what is wrong with it.
    pub(super) fn of(taken: Taken) -> Result<Self, String> {
        let parameters = Parameters::of(taken)?;
        let kept = Arc::new(Kept::of(&parameters));
        Ok(Self { attempts: parameters.mode.attempts(), parameters, kept })
    }

    /// For a server on this machine's own sockets: nobody else is on the way, and PostgreSQL has no TLS there.
    pub(super) fn off(&mut self) {
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
        let kept = Arc::clone(&self.kept);
        // Files may be slow to read where they are mounted.
        let now = spawn_blocking(move || kept.now()).await.map_err(Error::internal)??;
        Ok(Connector::new(now))
    }

    /// The parameters, for what is said about failures.
    pub(super) fn parameters(&self) -> &Parameters {
        &self.parameters
    }
}
