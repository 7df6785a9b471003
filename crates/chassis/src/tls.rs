//! Mutual TLS: both sides of a connection show a certificate of an authority that the other side trusts.
//!
//! The same files serve both directions, callers and peers. Changed files are read again. If they are invalid, the error is
//! logged and the previous ones stay in use. Open connections keep their certificates.

pub(crate) mod files;
mod name;

pub use name::PeerName;

use crate::settings::TlsSettings;
use arc_swap::ArcSwap;
use files::{FileState, TlsFiles};
use groundplan_error::{Error, Reason};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::WebPkiClientVerifier;
use rustls::version::TLS13;
use rustls::{ClientConfig, ServerConfig};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::task::spawn_blocking;

/// The interval at which the files are checked for changes.
const RELOAD_INTERVAL: Duration = Duration::from_secs(2);

/// The ALPN protocols of a server: HTTP/2 if the client supports it.
const ALPN_PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// The states of the three files.
type FileStates = [FileState; 3];

/// The current certificates of this process.
#[derive(Debug)]
pub struct Tls {
    files: TlsFiles,
    current: ArcSwap<LoadedConfigs>,
}

/// The configurations that were read from the files.
#[derive(Debug)]
struct LoadedConfigs {
    name: PeerName,
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
}

impl Tls {
    /// Reads the files, and reloads changed ones while the returned value lives; none if the settings name no files. Call it
    /// within the runtime.
    pub fn load(settings: &TlsSettings) -> Result<Option<Arc<Self>>, Error> {
        let Some(files) = TlsFiles::from_settings(settings)? else { return Ok(None) };
        let file_state = files.states();
        let loaded = LoadedConfigs::read(&files)?;
        tracing::info!(name = %loaded.name, "connections require mutual TLS");
        let tls = Arc::new(Self { files, current: ArcSwap::from_pointee(loaded) });
        tokio::spawn(reload_periodically(Arc::downgrade(&tls), file_state));
        Ok(Some(tls))
    }

    /// Returns the configuration for a new incoming connection.
    pub(crate) fn server_config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.load().server)
    }

    /// Returns the configuration for a new outgoing connection.
    pub(crate) fn client_config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.current.load().client)
    }

    /// Reads the files again if their states differ from `known`. Returns the states.
    fn reload_if_changed(&self, known: FileStates) -> FileStates {
        let file_state = self.files.states();
        if file_state == known {
            return known;
        }
        match LoadedConfigs::read(&self.files) {
            Ok(loaded) => {
                tracing::info!(name = %loaded.name, "new certificates are in use");
                self.current.store(Arc::new(loaded));
            }
            Err(error) => {
                tracing::error!(
                    error = error.log_text(),
                    "new certificates are invalid; the previous ones stay in use"
                );
            }
        }
        file_state
    }
}

/// Reloads changed files until the certificates are dropped.
async fn reload_periodically(tls: Weak<Tls>, mut file_state: FileStates) {
    loop {
        tokio::time::sleep(RELOAD_INTERVAL).await;
        let Some(tls) = tls.upgrade() else { return };
        // Mounted files can be slow to read.
        let Ok(known) = spawn_blocking(move || tls.reload_if_changed(file_state)).await else { return };
        file_state = known;
    }
}

impl LoadedConfigs {
    fn read(files: &TlsFiles) -> Result<Self, Error> {
        let (chain, key) = (files.chain()?, files.key()?);
        let name = files.name(&chain)?;
        let roots = Arc::new(files.authorities()?);
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mismatch = |error| files.mismatch_error(error);
        let client_verifier = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider));
        let client_verifier = client_verifier.build().map_err(|error| files.authorities_error(&error))?;
        let mut server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&TLS13])
            .map_err(Error::internal)?
            .with_client_cert_verifier(client_verifier)
            .with_single_cert(chain.clone(), key.clone_key())
            .map_err(mismatch)?;
        server.alpn_protocols = ALPN_PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        let client = client_builder(provider, roots).with_client_auth_cert(chain, key).map_err(mismatch)?;
        Ok(Self { name, server: Arc::new(server), client: Arc::new(with_http2(client)) })
    }
}

/// Returns the builder of a client that trusts `roots`.
fn client_builder(
    provider: Arc<CryptoProvider>,
    roots: Arc<rustls::RootCertStore>,
) -> rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert> {
    ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .expect("the provider's cipher suites are those of TLS 1.3")
        .with_root_certificates(roots)
}

/// Restricts a client to HTTP/2.
fn with_http2(mut config: ClientConfig) -> ClientConfig {
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}

/// Creates an error of the TLS settings.
fn tls_error(message: impl Into<String>) -> Error {
    Error::new(Reason::NotReady, message)
}
