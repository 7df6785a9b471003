//! Torments watches: many followers over many changes, while somebody else kills the server and changes the models. In the
//! end each follower's records must be those of the table, and on the way nothing may come twice, late or not at all.

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

/// Holds what followers of `example.v1.Entity` hear against what is written.
///
/// Writers create, update and delete entities, each under a new version that stands in its text. Followers begin with all
/// records, with filters of all kinds, and keep what they hear: a record must come before it changes, each version must
/// be the one behind the last that was heard, and in the end all must be as in a list. Meanwhile the server may be killed and
/// models may be applied: every call is repeated until its outcome is known, every watch goes on behind its last token.
/// The table must be empty, and nobody else's.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    suite: Suite,

    /// How many changes to write.
    #[arg(long, value_name = "COUNT", default_value_t = 500_000)]
    changes: u64,

    /// How many follow, by filters of all kinds; some by none.
    #[arg(long, value_name = "COUNT", default_value_t = 200)]
    followers: usize,

    /// How many of them sleep after each event, by spells, so that they are cut off.
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    slow: usize,

    /// How many of them drop their call about each second, and go on with the token.
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    reconnecting: usize,

    /// Where the slow ones go, past Envoy: it would hold much of what they do not read.
    #[arg(long, value_name = "URL")]
    slow_address: Option<String>,

    /// Whether to go on writing until standard input is closed, though there are enough changes.
    #[arg(long)]
    hold: bool,

    /// How many write at once.
    #[arg(long, value_name = "COUNT", default_value_t = 8)]
    writers: u16,

    /// How many changes a second all writers together make at most. Default: as many as they can.
    #[arg(long, value_name = "COUNT")]
    rate: Option<u32>,

    /// About how many records there are at a time.
    #[arg(long, value_name = "COUNT", default_value_t = 2_000)]
    records: usize,

    /// How long followers may take to hear of the end after it was written.
    #[arg(long, value_name = "SECONDS", default_value_t = 180)]
    patience: u64,

    /// Makes the same choices again, as far as the order of answers allows.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
}

/// How many followers share a connection. The suite allows 100 calls on one.
const PER_CONNECTION: usize = 50;

/// How often progress is told.
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

/// Starts the followers. Each gives its number, and a fault or none.
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
            // What waits for a slow one must not stand in the way of the others.
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

/// Writes all changes, and gives what was wrong.
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

/// Creates a record that was not there.
async fn create(args: &Args, entity: Entity) -> Result<(), Failure> {
    let client = args.suite.client()?;
    let request = CreateEntityRequest { entity: Some(entity), ..CreateEntityRequest::default() };
    let call = |mut client: Entities, request| async move { client.create_entity(request).await };
    settle(&client, &request, call).await.0?;
    Ok(())
}

/// Tells how far it is.
async fn tell(tally: Arc<Tally>, followers: usize) {
    let mut ticks = interval(TELL);
    loop {
        ticks.tick().await;
        say(format_args!("{followers} followers: {tally}"));
    }
}
