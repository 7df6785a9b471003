//! `groundplan migrate`: the services' own tables, before the services.

use crate::failure::Failure;
use crate::output::print;
use crate::services::Service;
use groundplan_chassis::settings::{DatabaseSettings, TelemetrySettings};
use groundplan_chassis::telemetry;

/// Make and migrate the own tables of services, and end
///
/// Needs DB_URL: the tables belong to its user, so it is the one that the service has, too. Two at once do it once. It is for
/// services that are served with GROUNDPLAN_MIGRATE=false. The tables of models are made by `groundplan apply`, not by this.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Services")]
pub(crate) struct Args {
    /// Whose tables
    #[arg(required = true, value_enum, value_name = "SERVICE")]
    services: Vec<Service>,
    #[command(flatten)]
    database: DatabaseSettings,
    #[command(flatten)]
    telemetry: TelemetrySettings,
}

pub(crate) async fn run(args: Box<Args>) -> Result<(), Failure> {
    let missing = || Failure::usage("migrate needs DB_URL: the PostgreSQL that the services use");
    let db_url = args.database.db_url.clone().ok_or_else(missing)?;
    let _telemetry = telemetry::start(&args.telemetry, "migrate", false)?;
    for service in Service::ALL.into_iter().filter(|service| args.services.contains(service)) {
        service.migrate(&db_url, &args.database).await?;
        print(format_args!("The tables of {} are as new as this program", format!("{service:?}").to_lowercase()))?;
    }
    Ok(())
}
