//! `groundplan postgres`: runs the private PostgreSQL without services.

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
    // The URL is not secret: it uses a socket and no password. A closed standard output does not stop the server.
    let _ = print(postgres.url().expose());
    postgres.supervise(&stop.graceful).await;
    Ok(postgres.stop().await?)
}
