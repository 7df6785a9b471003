//! The delay from the acknowledgement of a write to the receipt of its event.

mod clock;
mod follower;
mod writer;

use crate::client::Suite;
use crate::output::{self, Failure, say};
use crate::shares::Shares;
use crate::stubs::DeleteEntityRequest;
use clock::Clock;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Measure the time from a write's acknowledgement to its receipt by watchers
///
/// Writes are sent at a fixed rate, independent of earlier responses while a writer is free. Each watcher except the last
/// has a different filter and receives an equal share of the changes; the last has no filter and receives all. Writers
/// and watchers run in this process, so that one clock measures both. A receipt before the acknowledgement counts as 0.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    suite: Suite,

    /// Number of watchers
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u32).range(2..))]
    followers: u32,

    /// Changes per second
    #[arg(long, value_name = "COUNT", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,

    /// Duration of the writes
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,

    /// Number of concurrent writers. Each waits for the response before its next write
    #[arg(long, value_name = "COUNT", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..))]
    writers: u32,

    /// Number of records that each writer changes, one after the other
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    records: u32,
}

/// The number of watchers per connection. The suite allows 100 calls per connection.
const PER_CONNECTION: u32 = 50;

/// The time that watchers have to receive the last changes.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let clock = Arc::new(Clock::new(args.rate, args.seconds));
    let records = writer::create(&args.suite, args.writers, args.records, args.followers - 1).await?;
    let mut following = JoinSet::new();
    let mut client = args.suite.client()?;
    for number in 0..args.followers {
        if number.is_multiple_of(PER_CONNECTION) {
            client = args.suite.client()?;
        }
        let filter = if number + 1 < args.followers { format!("field1 == \"group {number}\"") } else { String::new() };
        let events = follower::begin(&mut client, filter).await?;
        following.spawn(follower::follow(events, clock.clone()));
    }
    say(format_args!("{} followers are there; {} changes a second for {} s", args.followers, args.rate, args.seconds));
    clock.begin();
    let mut writing = JoinSet::new();
    for number in 0..args.writers {
        let mine = records.iter().filter(|record| record.writer == number).cloned().collect();
        writing.spawn(writer::write(args.suite.client()?, clock.clone(), mine));
    }
    let mut waits = Vec::new();
    while let Some(written) = writing.join_next().await {
        waits.extend(written??);
    }
    let wrote_for = clock.elapsed();
    sleep(PATIENCE).await;
    clock.stop();
    let mut receipts = Vec::new();
    while let Some(heard) = following.join_next().await {
        receipts.extend(heard??);
    }
    delete(&args, &records).await?;
    let changes = waits.len();
    // Two watchers receive each change: one with a filter, and the one without.
    let expected = changes * 2;
    let latencies =
        Shares::new(receipts.iter().map(|(number, heard)| heard.saturating_sub(clock.acked(*number))).collect());
    output::result(&json!({
        "followers": args.followers,
        "changes": changes,
        "changes_per_second": (f64::from(u32::try_from(changes)?) / wrote_for.as_secs_f64()).round(),
        "events": latencies.len(),
        "acknowledged_to_received_ms": latencies.milliseconds(),
        "sent_to_acknowledged_ms": Shares::new(waits).milliseconds(),
    }))?;
    if latencies.len() != expected {
        let words = format!("{} events came, and not {expected}: two for each change", latencies.len());
        return Err(Failure::new(words));
    }
    Ok(())
}

/// Deletes the created records.
async fn delete(args: &Args, records: &[writer::Record]) -> Result<(), Failure> {
    let mut client = args.suite.client()?;
    for record in records {
        client.delete_entity(DeleteEntityRequest { id: record.id.clone(), ..DeleteEntityRequest::default() }).await?;
    }
    Ok(())
}
