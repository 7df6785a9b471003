//! Mutual TLS: both sides of a connection show a certificate of an authority that the other believes.
//!
//! The same files serve both directions: what we show to callers we show to peers. They are read again when they change; a
//! change that cannot be used is logged, and what was good before goes on. Connections that are open keep what they began with.

pub(crate) mod files;
mod name;

pub use name::PeerName;

use crate::settings::TlsSettings;
use arc_swap::ArcSwap;
use files::{Files, Stamp};
use groundplan_error::{Error, Reason};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::WebPkiClientVerifier;
use rustls::version::TLS13;
use rustls::{ClientConfig, ServerConfig};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::task::spawn_blocking;

/// How often is looked whether the files have changed.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// The protocols of a server: HTTP/2 where the client can.
const SERVED: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// The states of the three files.
type Stamps = [Stamp; 3];

/// The certificates of this process, as they are now.
#[derive(Debug)]
pub struct Tls {
    files: Files,
    now: ArcSwap<Loaded>,
}

/// What was made of the files.
#[derive(Debug)]
struct Loaded {
    name: PeerName,
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
}

impl Tls {
    /// Reads the files, and looks after them for as long as the answer lives; none where the settings name no files. Within
    /// the runtime.
    pub fn load(settings: &TlsSettings) -> Result<Option<Arc<Self>>, Error> {
        let Some(files) = Files::of(settings)? else { return Ok(None) };
        let stamp = files.stamps();
        let loaded = Loaded::read(&files)?;
        tracing::info!(name = %loaded.name, "connections are held to mutual TLS");
        let tls = Arc::new(Self { files, now: ArcSwap::from_pointee(loaded) });
        tokio::spawn(look_after(Arc::downgrade(&tls), stamp));
        Ok(Some(tls))
    }

    /// What a connection that is taken now is held to.
    pub(crate) fn server(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.now.load().server)
    }

    /// What a connection that is opened now is held to.
    pub(crate) fn client(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.now.load().client)
    }

    /// Reads the files again if they are not those of `seen`.
    fn look(&self, seen: Stamps) -> Stamps {
        let stamp = self.files.stamps();
        if stamp == seen {
            return seen;
        }
        match Loaded::read(&self.files) {
            Ok(loaded) => {
                tracing::info!(name = %loaded.name, "new certificates are used from now on");
                self.now.store(Arc::new(loaded));
            }
            Err(error) => {
                tracing::error!(error = error.log_text(), "new certificates cannot be used; the old ones still are");
            }
        }
        stamp
    }
}

/// Looks for changes until nobody uses the certificates any more.
async fn look_after(tls: Weak<Tls>, mut stamp: Stamps) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let Some(tls) = tls.upgrade() else { return };
        // Files may be slow to read where they are mounted.
        let Ok(seen) = spawn_blocking(move || tls.look(stamp)).await else { return };
        stamp = seen;
    }
}

impl Loaded {
    fn read(files: &Files) -> Result<Self, Error> {
        let (chain, key) = (files.chain()?, files.key()?);
        let name = files.name(&chain)?;
        let roots = Arc::new(files.authorities()?);
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mismatch = |error| files.mismatch(error);
        let callers = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider));
        let callers = callers.build().map_err(|error| files.unfit_authorities(&error))?;
        let mut server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&TLS13])
            .map_err(Error::internal)?
            .with_client_cert_verifier(callers)
            .with_single_cert(chain.clone(), key.clone_key())
            .map_err(mismatch)?;
        server.alpn_protocols = SERVED.map(<[u8]>::to_vec).to_vec();
        let client = client(provider, roots).with_client_auth_cert(chain, key).map_err(mismatch)?;
        Ok(Self { name, server: Arc::new(server), client: Arc::new(with_http2(client)) })
    }
}

/// A client that believes `roots`.
fn client(
    provider: Arc<CryptoProvider>,
    roots: Arc<rustls::RootCertStore>,
) -> rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert> {
    ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .expect("the provider's cipher suites are those of TLS 1.3")
        .with_root_certificates(roots)
}

/// Our peers are spoken to by HTTP/2 only.
fn with_http2(mut config: ClientConfig) -> ClientConfig {
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}

/// Why there is no TLS.
fn failure(message: impl Into<String>) -> Error {
    Error::new(Reason::NotReady, message)
}
