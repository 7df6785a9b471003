//! Measures pgbench in the same way as `load` measures a server.

use crate::output::{Failure, result};
use crate::processes::{Process, Usage};
use crate::shares::Shares;
use serde_json::json;
use std::fs::{read_dir, read_to_string};
use std::path::PathBuf;
use tokio::process::Command;

/// Measure a pgbench script: rate, latency, and processor time per transaction of each process
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The pgbench program
    #[arg(long, value_name = "FILE", default_value = "pgbench")]
    program: PathBuf,

    /// The database to connect to
    #[arg(long, value_name = "URL")]
    db_url: String,

    /// The script, which is one transaction
    #[arg(long, value_name = "FILE")]
    script: PathBuf,

    /// Number of concurrent connections
    #[arg(long, value_name = "COUNT", default_value_t = 32)]
    callers: u32,

    /// Duration of the measurement
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    seconds: u32,

    /// An empty folder for the latency logs
    #[arg(long, value_name = "FOLDER")]
    folder: PathBuf,

    /// A process to measure, including its children; can be repeated
    #[arg(long = "process", value_name = "NAME=PID")]
    processes: Vec<Process>,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let before = Usage::now(&args.processes)?;
    let threads = args.callers.min(2);
    let done = Command::new(&args.program)
        .args(["--no-vacuum", "--protocol=prepared", "--log"])
        .arg(format!("--client={}", args.callers))
        .arg(format!("--jobs={threads}"))
        .arg(format!("--time={}", args.seconds))
        .arg(format!("--log-prefix={}", args.folder.join("log").display()))
        .arg(format!("--file={}", args.script.display()))
        .arg(&args.db_url)
        .output()
        .await?;
    let after = Usage::now(&args.processes)?;
    if !done.status.success() {
        return Err(Failure::new(String::from_utf8_lossy(&done.stderr)));
    }
    let latencies = latencies(&args.folder)?;
    let mut outcome = before.until(&after, latencies.len());
    for (name, value) in [
        ("requests", json!(latencies.len())),
        ("errors", json!(0)),
        ("requests_per_second", json!(rate(&String::from_utf8_lossy(&done.stdout))?)),
        ("latency_ms", Shares::new(latencies).milliseconds()),
    ] {
        outcome[name] = value;
    }
    result(&outcome)
}

/// Returns the transactions per second, without the time to connect.
fn rate(summary: &str) -> Result<f64, Failure> {
    let rate = summary.lines().find_map(|line| line.strip_prefix("tps = "));
    let rate = rate.and_then(|rate| rate.split(' ').next()).and_then(|rate| rate.parse::<f64>().ok());
    Ok(rate.ok_or_else(|| Failure::new(format!("pgbench printed no rate: {summary}")))?.round())
}

/// Returns the latencies in nanoseconds. The third column of the logs is the latency in microseconds.
fn latencies(folder: &PathBuf) -> Result<Vec<u64>, Failure> {
    let mut latencies = Vec::new();
    for file in read_dir(folder)? {
        let text = read_to_string(file?.path())?;
        let microseconds = text.lines().filter_map(|line| line.split(' ').nth(2)?.parse::<u64>().ok());
        latencies.extend(microseconds.map(|microseconds| microseconds * 1_000));
    }
    Ok(latencies)
}

#[cfg(test)]
mod tests {
    use super::rate;

    #[test]
    fn the_rate_is_read() {
        let summary = "number of transactions actually processed: 9\ntps = 1234.56 (without initial connection time)\n";
        assert_eq!(rate(summary).unwrap(), 1_235.0);
        assert!(rate("").is_err());
    }
}
