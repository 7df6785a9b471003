//! Measures requests of one kind by several callers. Each caller sends its next request after it receives the response.

mod caller;
mod grpc;
mod operation;
mod reference;
mod rest;
mod rows;
mod worker;

use crate::client::Suite;
use crate::output::{Failure, result, say};
use crate::processes::{Process, Usage};
use crate::shares::Shares;
use caller::{Protocol, Target};
use operation::Operation;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use worker::{Phase, Worker};

/// Measure requests of one kind to one server: rate, latency, and processor time per request of each process
///
/// The rows that the requests read and change must exist; `crates/bench/harness` inserts them.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    suite: Suite,

    /// The server's protocol
    #[arg(long, value_enum, default_value_t = Protocol::Grpc)]
    protocol: Protocol,

    /// The kind of request
    #[arg(long, value_enum)]
    operation: Operation,

    /// The model, which must have the fields of example.v1.Entity with the same numbers
    #[arg(long, value_name = "NAME", default_value = "example.v1.Entity")]
    model: String,

    /// The path of the model's collection, for REST
    #[arg(long, value_name = "PATH", default_value = "/api/v1/resource")]
    collection: String,

    /// Number of concurrent requests
    #[arg(long, value_name = "COUNT", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..))]
    callers: u32,

    /// Maximum number of gRPC connections. REST uses one per caller
    #[arg(long, value_name = "COUNT", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..))]
    connections: u32,

    /// Duration of the measurement
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0)]
    seconds: f64,

    /// Duration of the requests before the measurement
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    warm_up: f64,

    /// Number of existing rows
    #[arg(long, value_name = "COUNT", default_value_t = 1_000_000)]
    rows: u64,

    /// Length of the text of a created or updated record, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 24)]
    text: usize,

    /// A process to measure, including its children; can be repeated
    #[arg(long = "process", value_name = "NAME=PID")]
    processes: Vec<Process>,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let target = Target {
        suite: &args.suite,
        protocol: args.protocol,
        model: &args.model,
        collection: &args.collection,
        connections: args.connections.min(args.callers),
    };
    let phase = Arc::new(Phase::default());
    let mut preparing = JoinSet::new();
    for (number, caller) in target.callers(args.callers).await?.into_iter().enumerate() {
        let rows = rows::Rows { all: args.rows, text: args.text, worker: number as u64, workers: args.callers.into() };
        preparing.spawn(Worker::new(caller, args.operation, rows).prepare());
    }
    let mut workers = JoinSet::new();
    while let Some(worker) = preparing.join_next().await {
        workers.spawn(worker??.run(phase.clone()));
    }
    let (elapsed, usage) = measure(&args, &phase).await?;
    let (mut latencies, mut errors) = (Vec::new(), 0_u64);
    while let Some(done) = workers.join_next().await {
        let done = done?;
        latencies.extend(done.latencies);
        errors += done.errors;
        if let Some(first) = done.first_error {
            say(first);
        }
    }
    let requests = latencies.len();
    let rate = f64::from(u32::try_from(requests)?) / elapsed.as_secs_f64();
    let mut outcome = usage.0.until(&usage.1, requests);
    for (name, value) in [
        ("requests", json!(requests)),
        ("errors", json!(errors)),
        ("requests_per_second", json!(rate.round())),
        ("latency_ms", Shares::new(latencies).milliseconds()),
    ] {
        outcome[name] = value;
    }
    result(&outcome)?;
    if errors > 0 || requests == 0 {
        return Err(Failure::new(format!("{errors} requests failed, and {requests} succeeded")));
    }
    Ok(())
}

/// Waits for the warm-up, measures, and stops the workers.
async fn measure(args: &Args, phase: &Phase) -> Result<(Duration, (Usage, Usage)), Failure> {
    sleep(Duration::from_secs_f64(args.warm_up)).await;
    let before = Usage::now(&args.processes)?;
    let start = Instant::now();
    phase.measured.store(true, Ordering::Relaxed);
    sleep(Duration::from_secs_f64(args.seconds)).await;
    phase.measured.store(false, Ordering::Relaxed);
    let elapsed = start.elapsed();
    let after = Usage::now(&args.processes)?;
    phase.stopped.store(true, Ordering::Relaxed);
    Ok((elapsed, (before, after)))
}
