//! `groundplan serve`: runs one or more services, as in Kubernetes.

use crate::error::CliError;
use crate::process::{self, Process};
use crate::service_settings::ServiceSettings;
use crate::services::{self, Service};
use groundplan_chassis::database::MigrationMode;
use groundplan_chassis::settings::{CallerSettings, MigrationSettings, TelemetrySettings, TlsSettings};
use groundplan_chassis::telemetry;
use groundplan_chassis::tls::Tls;
use std::time::Duration;

/// Where the services are that do not run in this process.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Peers")]
pub(crate) struct PeerSettings {
    /// Address of `schema` for `serve records`, when `schema` runs in another process, such as http://schema:3000, or
    /// https://schema:3000 with mutual TLS. Separate several with commas. All addresses of the names are used; the
    /// names are resolved again every few seconds, and addresses that do not respond are skipped.
    #[arg(long, env = "GROUNDPLAN_SCHEMA_URL", value_name = "URL")]
    pub(crate) schema_url: Option<String>,
}

/// Run one or more services in this process
///
/// Requires API_KEY, the same for all services, and DB_URL. `records` also requires `schema` in this process or
/// GROUNDPLAN_SCHEMA_URL. SIGTERM and Ctrl-C stop it after open calls finish; a second Ctrl-C stops it immediately.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Services")]
pub(crate) struct Args {
    /// Services to run
    #[arg(required = true, value_enum, value_name = "SERVICE")]
    services: Vec<Service>,
    #[command(flatten)]
    settings: ServiceSettings,
    #[command(flatten)]
    migrations: MigrationSettings,
    #[command(flatten)]
    peers: PeerSettings,
    #[command(flatten)]
    tls: TlsSettings,
    #[command(flatten)]
    callers: CallerSettings,
    #[command(flatten)]
    telemetry: TelemetrySettings,
}

pub(crate) async fn run(args: Box<Args>) -> Result<(), CliError> {
    let missing = |setting: &str, reason: &str| CliError::usage(format!("serve needs {setting}: {reason}"));
    let db_url = args.settings.database.db_url.clone();
    let db_url =
        db_url.ok_or_else(|| missing("DB_URL", "the PostgreSQL to use; `groundplan up` starts a private one"))?;
    let api_key = args.settings.credentials.api_key.clone();
    let api_key = api_key.ok_or_else(|| missing("API_KEY", "the root principal's key, the same for all services"))?;
    if !args.services.contains(&Service::Schema) && args.peers.schema_url.is_none() {
        return Err(missing("GROUNDPLAN_SCHEMA_URL", "where records finds schema; or run both: serve schema records"));
    }
    // The schema service of this process takes precedence.
    let schema_url = args.peers.schema_url.as_deref().filter(|_| !args.services.contains(&Service::Schema));
    let names: Vec<_> = args.services.iter().map(|service| format!("{service:?}").to_lowercase()).collect();
    let telemetry = telemetry::start(&args.telemetry, &names.join("-"), args.settings.admin.admin_port.is_some())?;
    let tls = Tls::load(&args.tls)?;
    let stop = process::shutdown_on_signals()?;
    let listener = process::listen(&args.settings.server).await?;
    let process = Process {
        services: &args.services,
        db_url: &db_url,
        api_key: &api_key,
        schema_url,
        settings: &args.settings,
        migration_mode: if args.migrations.migrate { MigrationMode::Migrate } else { MigrationMode::CheckOnly },
        registry: telemetry.registry(),
        allow: tls
            .is_some()
            .then(|| args.callers.tls_allow.clone().unwrap_or_else(|| services::default_allow_list(&args.services))),
        tls,
    };
    let ready = |after: Duration| tracing::info!(?after, "ready");
    process.run(listener, stop, || Ok(()), ready).await
}

#[cfg(test)]
mod tests {
    use super::run;
    use crate::cli::{Cli, Command};
    use clap::Parser as _;

    async fn refused(line: &str) -> String {
        let Command::Serve(args) = Cli::try_parse_from(line.split(' ')).unwrap().command else { panic!("not serve") };
        run(args).await.unwrap_err().message().to_owned()
    }

    #[tokio::test]
    async fn missing_settings_are_named() {
        assert!(refused("groundplan serve schema").await.contains("DB_URL"));
        assert!(refused("groundplan serve schema --db-url=postgres://a@127.0.0.1:1/b").await.contains("API_KEY"));
        let records = "groundplan serve records --db-url=postgres://a@127.0.0.1:1/b --api-key=k";
        assert!(refused(records).await.contains("GROUNDPLAN_SCHEMA_URL"));
    }
}
