//! `groundplan postgres`: the private PostgreSQL by itself.

use crate::client::data_directory;
use crate::error::CliError;
use crate::output::print;
use crate::process;
use groundplan_chassis::private_postgres::PrivatePostgres;
use groundplan_chassis::settings::{PostgresSettings, TelemetrySettings};
use groundplan_chassis::telemetry;

/// Run the private PostgreSQL in the foreground, without services
///
/// Prints its DB_URL, for `serve` and `psql` on this machine, and restarts PostgreSQL if it crashes. It is not
/// reachable over the network. SIGTERM and Ctrl-C stop it and close open connections.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    postgres: PostgresSettings,
    #[command(flatten)]
    telemetry: TelemetrySettings,
}

pub(crate) async fn run(args: Box<Args>) -> Result<(), CliError> {
    let _telemetry = telemetry::start(&args.telemetry, "postgres", false)?;
    let stop = process::shutdown_on_signals()?;
    let directory = data_directory(&args.postgres);
    let postgres = tokio::select! {
        postgres = PrivatePostgres::start(&directory, &args.postgres) => postgres?,
        () = stop.immediate.cancelled() => return Ok(()),
    };
    // By a socket and without a password: it may be seen. A server does not end because nobody reads what it says.
    let _ = print(postgres.url().expose());
    postgres.supervise(&stop.graceful).await;
    Ok(postgres.stop().await?)
}
