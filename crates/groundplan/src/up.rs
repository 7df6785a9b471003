//! `groundplan up`: runs the whole suite in one process.

use crate::client::data_directory;
use crate::error::CliError;
use crate::key;
use crate::output::{Closed, print};
use crate::process::{self, Process, Shutdown};
use crate::service_settings::ServiceSettings;
use crate::services::Service;
use groundplan_chassis::database::MigrationMode;
use groundplan_chassis::layers::RootKey;
use groundplan_chassis::private_postgres::PrivatePostgres;
use groundplan_chassis::settings::{PostgresSettings, Secret, TelemetrySettings};
use groundplan_chassis::telemetry;
use prometheus::Registry;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Run all services in this process, on a private PostgreSQL unless DB_URL is set
///
/// Without DB_URL, it starts a private PostgreSQL that is not reachable over the network, restarts it if it crashes,
/// and stops it on exit. Without API_KEY, it generates a key, shows it once, and stores it in the data directory for
/// the next start. SIGTERM and Ctrl-C stop it after open calls finish; a second Ctrl-C stops it immediately.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    settings: ServiceSettings,
    #[command(flatten)]
    postgres: PostgresSettings,
    #[command(flatten)]
    telemetry: TelemetrySettings,
}

pub(crate) async fn run(args: Box<Args>) -> Result<(), CliError> {
    let telemetry = telemetry::start(&args.telemetry, "up", args.settings.admin.admin_port.is_some())?;
    let stop = process::shutdown_on_signals()?;
    let listener = process::listen(&args.settings.server).await?;
    // Report an invalid key before any slow work.
    let key = ApiKey::find_or_generate(&args)?;
    let postgres = match &args.settings.database.db_url {
        Some(_) => None,
        None => tokio::select! {
            postgres = start_postgres(&args) => Some(postgres?),
            () = stop.immediate.cancelled() => return Ok(()),
        },
    };
    let served = serve_and_supervise(&args, &key, listener, stop, telemetry.registry(), postgres.as_ref()).await;
    let stopped = match postgres {
        Some(postgres) => postgres.stop().await.map_err(CliError::from),
        None => Ok(()),
    };
    served.and(stopped)
}

async fn start_postgres(args: &Args) -> Result<PrivatePostgres, CliError> {
    let postgres = PrivatePostgres::start(&data_directory(&args.postgres), &args.postgres).await?;
    // The URL is not secret: it uses a socket and no password.
    ignore_closed(print(format_args!("Private PostgreSQL: psql '{}'", postgres.url().expose())));
    Ok(postgres)
}

/// Serves, and supervises PostgreSQL meanwhile.
async fn serve_and_supervise(
    args: &Args,
    key: &ApiKey,
    listener: TcpListener,
    stop: Shutdown,
    registry: Registry,
    postgres: Option<&PrivatePostgres>,
) -> Result<(), CliError> {
    let stopped = CancellationToken::new();
    let serving = async {
        let served = serve(args, key, listener, stop, registry, postgres).await;
        stopped.cancel();
        served
    };
    let supervising = async {
        if let Some(postgres) = postgres {
            postgres.supervise(&stopped).await;
        }
    };
    tokio::join!(serving, supervising).0
}

async fn serve(
    args: &Args,
    key: &ApiKey,
    listener: TcpListener,
    stop: Shutdown,
    registry: Registry,
    postgres: Option<&PrivatePostgres>,
) -> Result<(), CliError> {
    let db_url = postgres
        .map(PrivatePostgres::url)
        .or_else(|| args.settings.database.db_url.clone())
        .ok_or_else(|| CliError::new("there is no database"))?;
    let address = local_url(args.settings.server.listen, args.settings.server.port);
    let process = Process {
        services: &Service::ALL,
        db_url: &db_url,
        api_key: &key.secret,
        schema_url: None,
        settings: &args.settings,
        migration_mode: MigrationMode::Migrate,
        registry,
        tls: None,
        allow: None,
    };
    // A key that is shown once must not be lost if the start fails.
    let mounted = || {
        key.store_and_print(&data_directory(&args.postgres))?;
        ignore_closed(print(format_args!("Listening on {address} for gRPC, gRPC-Web and REST")));
        Ok(())
    };
    let ready = |after: Duration| {
        ignore_closed(print(format_args!("Groundplan is ready on {address} after {:.1} s", after.as_secs_f64())))
    };
    process.run(listener, stop, mounted, ready).await
}

/// The API key and its origin.
struct ApiKey {
    secret: Secret,
    origin: KeyOrigin,
}

enum KeyOrigin {
    Set,
    Stored,
    /// Generated, and not stored yet.
    Generated,
}

impl ApiKey {
    /// Returns the key that is set or stored, or generates one, and checks it.
    fn find_or_generate(args: &Args) -> Result<Self, CliError> {
        let data = data_directory(&args.postgres);
        let key = match &args.settings.credentials.api_key {
            Some(set) => Self { secret: set.clone(), origin: KeyOrigin::Set },
            None => match key::read(&data)? {
                Some(stored) => Self { secret: stored, origin: KeyOrigin::Stored },
                None => Self { secret: key::generate(), origin: KeyOrigin::Generated },
            },
        };
        RootKey::new(&key.secret).map_err(|error| match key.origin {
            KeyOrigin::Stored => CliError::new(format!(
                "{}; this one is stored in {}: remove that file, and the next start creates a new key",
                error.message(),
                key::file(&data).display()
            )),
            KeyOrigin::Set | KeyOrigin::Generated => error.into(),
        })?;
        if let (KeyOrigin::Stored, Some(mode)) = (&key.origin, key::insecure_mode(&data)) {
            let file = key::file(&data);
            tracing::warn!(
                "other users can read the API key in {file} (mode {mode:o}): chmod 600 {file}; if somebody might have read it, \
                 remove it, and the next start creates a new one",
                file = file.display()
            );
        }
        Ok(key)
    }

    /// Stores a generated key, and prints where the key is. A generated key is shown once.
    fn store_and_print(&self, data: &Path) -> Result<(), CliError> {
        let file = key::file(data);
        match self.origin {
            KeyOrigin::Set => {}
            KeyOrigin::Stored => ignore_closed(print(format_args!("API key: in {}", file.display()))),
            KeyOrigin::Generated => {
                key::store(data, &self.secret)?;
                let (file, key) = (file.display(), self.secret.expose());
                ignore_closed(print(format_args!("API key, shown this once and kept in {file}:\n  {key}")));
            }
        }
        Ok(())
    }
}

/// A closed standard output does not stop the server.
fn ignore_closed(printed: Result<(), Closed>) {
    if printed.is_err() {
        tracing::debug!("standard output is closed");
    }
}

/// Returns the URL of the server for callers on this machine.
fn local_url(listen: IpAddr, port: u16) -> String {
    match listen {
        all if all.is_unspecified() => format!("http://localhost:{port}"),
        IpAddr::V6(address) => format!("http://[{address}]:{port}"),
        IpAddr::V4(address) => format!("http://{address}:{port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::local_url;

    #[test]
    fn local_urls_can_be_pasted() {
        for (listen, expected) in [
            ("127.0.0.1", "http://127.0.0.1:3000"),
            ("0.0.0.0", "http://localhost:3000"),
            ("::", "http://localhost:3000"),
            ("::1", "http://[::1]:3000"),
        ] {
            assert_eq!(local_url(listen.parse().unwrap(), 3000), expected);
        }
    }
}
