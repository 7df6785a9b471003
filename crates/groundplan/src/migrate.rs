//! `groundplan migrate`: migrates the services' tables before the services start.

use crate::error::CliError;
use crate::output::print;
use crate::services::Service;
use groundplan_chassis::settings::{DatabaseSettings, TelemetrySettings};
use groundplan_chassis::telemetry;

/// Create or migrate the services' tables, then exit
///
/// Requires DB_URL, with the same user as the service, because that user owns the tables. Concurrent runs are safe. Use
/// it for services that run with GROUNDPLAN_MIGRATE=false. `groundplan apply` creates the tables of models.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Services")]
pub(crate) struct Args {
    /// Services whose tables to create or migrate
    #[arg(required = true, value_enum, value_name = "SERVICE")]
    services: Vec<Service>,
    #[command(flatten)]
    database: DatabaseSettings,
    #[command(flatten)]
    telemetry: TelemetrySettings,
}

pub(crate) async fn run(args: Box<Args>) -> Result<(), CliError> {
    let missing = || CliError::usage("migrate needs DB_URL: the PostgreSQL that the services use");
    let db_url = args.database.db_url.clone().ok_or_else(missing)?;
    let _telemetry = telemetry::start(&args.telemetry, "migrate", false)?;
    for service in Service::ALL.into_iter().filter(|service| args.services.contains(service)) {
        service.migrate(&db_url, &args.database).await?;
        print(format_args!("The tables of {} are up to date", format!("{service:?}").to_lowercase()))?;
    }
    Ok(())
}
