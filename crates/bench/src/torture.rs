//! Stress-tests watches: many watchers over many changes, while another program kills the server and changes the models.
//! Finally, each watcher's records must equal those of the table. No event can be missing, duplicated or out of order.

mod enough;
mod filters;
mod follower;
mod pool;
mod replica;
mod tally;
mod writer;

use crate::client::{BREAKS, Entities, Suite, list, settle};
use crate::output::{self, Failure, say};
use crate::stubs::{CreateEntityRequest, Entity};
use enough::Enough;
use follower::{Follower, Pace};
use pool::Pool;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tally::Tally;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, timeout};
use writer::Writer;

/// Compare the events that watchers of `example.v1.Entity` receive with the writes
///
/// Writers create, update and delete entities; the text of each entity contains its version. Watchers start with all
/// records, use filters of all kinds, and track the records: each record must be created before it changes, each version
/// must follow the last received one, and the final records must equal a list. You can kill the server and apply models
/// during the run: every call is repeated until its outcome is known, and every watch resumes after its last token.
/// The table must be empty, and must not be used by other programs.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    suite: Suite,

    /// Number of changes to write
    #[arg(long, value_name = "COUNT", default_value_t = 500_000)]
    changes: u64,

    /// Number of watchers, with filters of all kinds; some without a filter
    #[arg(long, value_name = "COUNT", default_value_t = 200)]
    followers: usize,

    /// Number of watchers that are slow in phases: they sleep after each event, so that they are disconnected
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    slow: usize,

    /// Number of watchers that drop their call about every second, and resume with the token
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    reconnecting: usize,

    /// Address for the slow watchers that bypasses Envoy, which would buffer much of the unread data
    #[arg(long, value_name = "URL")]
    slow_address: Option<String>,

    /// Continue to write until standard input is closed, even after enough changes
    #[arg(long)]
    hold: bool,

    /// Number of concurrent writers
    #[arg(long, value_name = "COUNT", default_value_t = 8)]
    writers: u16,

    /// Maximum number of changes per second, over all writers. Unlimited by default
    #[arg(long, value_name = "COUNT")]
    rate: Option<u32>,

    /// Approximate number of records at a time
    #[arg(long, value_name = "COUNT", default_value_t = 2_000)]
    records: usize,

    /// Maximum time for watchers to receive the end record after it is written
    #[arg(long, value_name = "SECONDS", default_value_t = 180)]
    patience: u64,

    /// Seed of the random choices. The order of responses can still change the run
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
}

/// The number of watchers per connection. The suite allows 100 calls per connection.
const PER_CONNECTION: usize = 50;

/// The interval of progress output.
const TELL: Duration = Duration::from_secs(1);

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let client = args.suite.client()?;
    let found = list(&client, "").await?;
    if !found.is_empty() {
        let words = "there are entities already; the torture needs a suite of its own, with an empty table";
        return Err(Failure::new(words));
    }
    let end = format!("the end of {}", uuid::Uuid::now_v7());
    let tally = Arc::new(Tally::default());
    let (announce, announced) = watch::channel(false);
    let began = Instant::now();
    let mut following = follow(&args, &end, &tally, announced)?;
    let told = tokio::spawn(tell(tally.clone(), args.followers));
    let mut faults = write(&args, &tally).await?;
    let written_after = began.elapsed();
    let last = Entity { field1: end.clone(), ..Entity::default() };
    create(&args, last).await?;
    let _ = announce.send(true);
    say(format_args!("all is written after {} s; the followers may come to the end", written_after.as_secs()));
    let mut awaited: BTreeSet<usize> = (0..args.followers).collect();
    let all = async {
        while let Some(found) = following.join_next().await {
            match found {
                Ok((number, fault)) => {
                    awaited.remove(&number);
                    faults.extend(fault);
                }
                Err(error) => faults.push(format!("a follower broke: {error}")),
            }
        }
    };
    if timeout(Duration::from_secs(args.patience), all).await.is_err() {
        let left = awaited.iter().map(|number| format!("{number} with {:?}", filters::filter(*number, &end)));
        let left: Vec<String> = left.collect();
        let words =
            format!("{} s after the end was written, these have not heard of it: {}", args.patience, left.join(", "));
        faults.push(words);
    }
    told.abort();
    let seconds = began.elapsed().as_secs_f64();
    let mut result = tally.result();
    result["seconds"] = json!(seconds);
    result["seconds_of_writing"] = json!(written_after.as_secs_f64());
    result["followers"] = json!(args.followers);
    let (count, first) = BREAKS.all();
    result["failed_calls"] = json!({ "count": count, "first": first });
    result["failures"] = json!(faults);
    output::result(&result)?;
    if faults.is_empty() { Ok(()) } else { Err(Failure::new(format!("{} faults were found", faults.len()))) }
}

/// Spawns the watchers. Each task returns the watcher's number, and the fault, if any.
fn follow(
    args: &Args,
    end: &str,
    tally: &Arc<Tally>,
    announced: watch::Receiver<bool>,
) -> Result<JoinSet<(usize, Option<String>)>, Failure> {
    let mut following = JoinSet::new();
    let mut shared = args.suite.client()?;
    for number in 0..args.followers {
        let pace = if number < args.slow {
            Pace::Slow
        } else if number < args.slow + args.reconnecting {
            Pace::Reconnecting
        } else {
            Pace::Steady
        };
        if number.is_multiple_of(PER_CONNECTION) {
            shared = args.suite.client()?;
        }
        let follower = Follower {
            number,
            filter: filters::filter(number, end),
            end: end.to_owned(),
            pace,
            // The unread data of a slow watcher must not block the others, so it has a separate connection.
            client: match pace {
                Pace::Slow => args.suite.narrow_client(args.slow_address.as_deref())?,
                _ => shared.clone(),
            },
            tally: tally.clone(),
            announced: announced.clone(),
            chance: StdRng::seed_from_u64(args.seed.wrapping_add(number as u64)),
            began: Instant::now(),
        };
        following.spawn(async move { (number, follower.run().await) });
    }
    Ok(following)
}

/// Writes all changes, and returns the faults.
async fn write(args: &Args, tally: &Arc<Tally>) -> Result<Vec<String>, Failure> {
    let pool = Arc::new(Pool::new(args.records));
    let enough = Arc::new(Enough::new(args.changes, args.hold));
    let mut writing = JoinSet::new();
    for number in 0..args.writers {
        let chance = StdRng::seed_from_u64(args.seed.wrapping_sub(1 + u64::from(number)));
        let pause = args.rate.map(|rate| Duration::from_secs(u64::from(args.writers)).div_f64(f64::from(rate.max(1))));
        let client = args.suite.client()?;
        let writer = Writer { client, pool: pool.clone(), tally: tally.clone(), number, pause };
        writing.spawn(writer.run(enough.clone(), chance));
    }
    let mut faults = Vec::new();
    while let Some(found) = writing.join_next().await {
        faults.extend(found.unwrap_or_else(|error| Some(format!("a writer broke: {error}"))));
    }
    Ok(faults)
}

/// Creates a record, with retries.
async fn create(args: &Args, entity: Entity) -> Result<(), Failure> {
    let client = args.suite.client()?;
    let request = CreateEntityRequest { entity: Some(entity), ..CreateEntityRequest::default() };
    let call = |mut client: Entities, request| async move { client.create_entity(request).await };
    settle(&client, &request, call).await.0?;
    Ok(())
}

/// Prints the progress at each interval, until the task is aborted.
async fn tell(tally: Arc<Tally>, followers: usize) {
    let mut ticks = interval(TELL);
    loop {
        ticks.tick().await;
        say(format_args!("{followers} followers: {tally}"));
    }
}
