//! `groundplan reset`: empties the private PostgreSQL, for development.

use crate::client::data_directory;
use crate::error::CliError;
use crate::output::{print, print_error};
use groundplan_chassis::private_postgres::PrivatePostgres;
use groundplan_chassis::settings::PostgresSettings;
use std::io::{BufRead as _, IsTerminal as _};
use std::path::Path;

/// Remove all models and records of the private PostgreSQL, for development
///
/// The next `up` starts with an empty database; the API key is kept. Fails while a suite uses the data directory, and
/// never changes a database that DB_URL names. Removed data cannot be restored; use `groundplan export` to save records
/// first.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    postgres: PostgresSettings,
}

pub(crate) async fn run(args: Args) -> Result<(), CliError> {
    let directory = data_directory(&args.postgres);
    if !args.yes && !confirmed(&directory)? {
        return Err(CliError::new("nothing was removed"));
    }
    match PrivatePostgres::remove(&directory, &args.postgres).await? {
        true => print(format_args!("removed all models and records in {}", directory.display()))?,
        false => print(format_args!("there is no data in {}", directory.display()))?,
    }
    Ok(())
}

/// Asks for confirmation on the terminal.
fn confirmed(directory: &Path) -> Result<bool, CliError> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        return Err(CliError::usage("`reset` asks before it removes data; without a terminal, pass --yes"));
    }
    print_error(format_args!("This removes all models and records in {}. Type yes to continue:", directory.display()));
    let mut answer = String::new();
    let read = input.lock().read_line(&mut answer);
    read.map_err(|error| CliError::new(format!("the confirmation cannot be read: {error}")))?;
    Ok(answer.trim() == "yes")
}
