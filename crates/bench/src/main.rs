//! Measures and stress-tests a running suite. The program is an ordinary client and not part of the product.
//!
//! It prints progress to standard error, and the result as one JSON object to standard output.

mod client;
mod idle;
mod import;
mod latency;
mod load;
mod output;
mod pgbench;
mod processes;
mod shares;
mod stubs;
mod torture;

use clap::Parser as _;
use output::Failure;
use std::process::ExitCode;

/// Measure and stress-test a running suite that serves `examples/`
#[derive(clap::Parser)]
#[command(
    name = "groundplan-bench",
    version,
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 120,
    after_long_help = "Exit codes:\n  0  done, and everything was as it must be\n  1  a fault was found, or it could not be done\n  2  the command line is wrong"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    WatchTorture(torture::Args),
    WatchLatency(latency::Args),
    WatchIdle(idle::Args),
    Import(import::Args),
    Load(load::Args),
    Pgbench(pgbench::Args),
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::WatchTorture(args) => torture::run(args).await,
        Command::WatchLatency(args) => latency::run(args).await,
        Command::WatchIdle(args) => idle::run(args).await,
        Command::Import(args) => import::run(args).await,
        Command::Load(args) => load::run(args).await,
        Command::Pgbench(args) => pgbench::run(args).await,
    };
    outcome.map_or_else(Failure::report, |()| ExitCode::SUCCESS)
}
