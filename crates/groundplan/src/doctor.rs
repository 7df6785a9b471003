//! `groundplan doctor`: checks this machine and the suite, and suggests remedies.

mod database;
mod deep;
mod finding;
mod machine;
mod suite;

use crate::client::Client;
use crate::error::CliError;
use crate::output::{Output, print};
use finding::{Finding, Level};
use groundplan_chassis::settings::{DatabaseSettings, ServerSettings};
use serde_json::json;

/// Check this machine and the suite, and suggest a fix for each problem
///
/// Checks this machine (PostgreSQL, tools, the data directory, the port), the database of DB_URL, and the suite at
/// GROUNDPLAN_ADDRESS (whether it responds, accepts the API key, and has live models). With `--deep`, it also reads all
/// records, for example after a restore. Changes nothing. Fails if a check fails.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct Args {
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    output: Output,
    /// Read every record of every model too; this takes the time of an export of all records
    #[arg(long)]
    deep: bool,
    #[command(flatten)]
    client: Client,
    #[command(flatten)]
    server: ServerSettings,
    #[command(flatten)]
    database: DatabaseSettings,
}

pub(crate) async fn run(args: Box<Args>) -> Result<(), CliError> {
    let mut findings = vec![machine::postgres(&args.client.postgres, args.database.db_url.is_some())];
    findings.extend(database::check(&args.database).await);
    findings.extend(machine::data_directory(&args.client.postgres));
    findings.push(suite::port(&args.server).await);
    findings.extend(suite::check(&args.client).await);
    findings.extend(machine::tools());
    if args.deep {
        findings.extend(deep::check(&args.client).await);
    }
    for finding in &findings {
        match args.output {
            Output::Text => print(finding)?,
            Output::Json => print(json(finding))?,
        }
    }
    match findings.iter().any(|finding| finding.level == Level::Fail) {
        true => Err(CliError::already_reported()),
        false => Ok(()),
    }
}

fn json(finding: &Finding) -> serde_json::Value {
    json!({ "level": finding.level.name(), "check": finding.check, "found": finding.detail, "wayOut": finding.remedy })
}
