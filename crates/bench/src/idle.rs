//! The memory cost of idle watchers.

use crate::client::{Entities, Suite};
use crate::output::{self, Failure, say};
use crate::stubs::WatchEntitiesRequest;
use groundplan_proto::watch::v1::{EventKind, Start};
use serde_json::json;
use std::fs::read_to_string;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval};

/// Measure the memory of a server on this machine with many idle watchers
///
/// Each watcher has a separate call and receives only an occasional BOOKMARK. The measurement fails if a watch ends. The
/// result is the VmRSS of the server's process: before the watches, with all of them, the maximum, and at the end.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    suite: Suite,

    /// The server's process
    #[arg(long, value_name = "PID")]
    pid: u32,

    /// Number of watchers
    #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
    followers: usize,

    /// Number of different filters; 0 means one per watcher
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    filters: usize,

    /// Number of watchers per connection. The suite allows 100 calls per connection
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..))]
    per_connection: u16,

    /// Duration of the measurement after the last watch has started
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    seconds: u64,
}

/// The maximum number of watches that start at the same time.
const COMING: usize = 100;

/// The interval between memory samples.
const LOOK: Duration = Duration::from_millis(500);

/// A message from a watcher.
enum Heard {
    First,
    Bookmark,
    /// The watch ended, or received an unexpected event.
    Fault(String),
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let before = memory(args.pid)?;
    let began = Instant::now();
    let (tell, mut told) = mpsc::unbounded_channel();
    let mut following = begin(&args, &tell)?;
    let (mut first, mut bookmarks, mut most) = (0, 0_u64, before);
    let mut all_there: Option<(Duration, u64)> = None;
    let mut looks = interval(LOOK);
    while all_there.is_none_or(|(came, _)| began.elapsed() < came + Duration::from_secs(args.seconds)) {
        tokio::select! {
            Some(heard) = told.recv() => match heard {
                Heard::First => first += 1,
                Heard::Bookmark => bookmarks += 1,
                Heard::Fault(fault) => return Err(Failure::new(fault)),
            },
            _ = looks.tick() => {
                let now = memory(args.pid)?;
                most = most.max(now);
                if first == args.followers && all_there.is_none() {
                    all_there = Some((began.elapsed(), now));
                    say(format_args!("all {first} are there, after {} s: {now} KiB", began.elapsed().as_secs()));
                }
            }
        }
    }
    let end = memory(args.pid)?;
    following.shutdown().await;
    let (came, with_all) = all_there.unwrap_or_default();
    output::result(&json!({
        "followers": args.followers,
        "filters": if args.filters == 0 { args.followers } else { args.filters },
        "connections": args.followers.div_ceil(usize::from(args.per_connection)),
        "seconds_until_all_were_there": came.as_secs_f64(),
        "bookmarks": bookmarks,
        "rss_kib": { "before": before, "with_all": with_all, "most": most, "end": end },
        "rss_mib": { "before": before / 1_024, "most": most / 1_024, "end": end / 1_024 },
    }))
}

/// Spawns all watchers. At most [`COMING`] start their watch at the same time.
fn begin(args: &Args, tell: &mpsc::UnboundedSender<Heard>) -> Result<JoinSet<()>, Failure> {
    let mut following = JoinSet::new();
    let room = Arc::new(Semaphore::new(COMING));
    let mut client = args.suite.client()?;
    for number in 0..args.followers {
        if number.is_multiple_of(usize::from(args.per_connection)) {
            client = args.suite.client()?;
        }
        let of = if args.filters == 0 { number } else { number % args.filters };
        let filter = format!("field1 == \"idle {of}\"");
        let (client, room, tell) = (client.clone(), room.clone(), tell.clone());
        following.spawn(async move {
            let Err(failure) = follow(client, filter, &room, &tell).await;
            let _ = tell.send(Heard::Fault(format!("follower {number} has ended: {failure}")));
        });
    }
    Ok(following)
}

/// Watches permanently; returns only errors.
async fn follow(
    mut client: Entities,
    filter: String,
    room: &Semaphore,
    tell: &mpsc::UnboundedSender<Heard>,
) -> Result<std::convert::Infallible, String> {
    let permit = room.acquire().await.map_err(|error| error.to_string())?;
    let request = WatchEntitiesRequest { filter, start: Start::Now.into(), ..WatchEntitiesRequest::default() };
    let mut events = client.watch_entities(request).await.map_err(|status| status.to_string())?.into_inner();
    let mut permit = Some(permit);
    loop {
        let event = events.message().await.map_err(|status| status.to_string())?.ok_or("there is no more")?;
        if event.kind() != EventKind::Bookmark {
            return Err(format!("it must hear nothing, and heard {event:?}"));
        }
        let heard = if permit.take().is_some() { Heard::First } else { Heard::Bookmark };
        let _ = tell.send(heard);
    }
}

/// Returns the resident memory of a process, in KiB.
fn memory(pid: u32) -> Result<u64, Failure> {
    let file = format!("/proc/{pid}/status");
    let text = read_to_string(&file).map_err(|error| Failure::new(format!("{file}: {error}")))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()).and_then(|number| number.parse().ok());
    kib.ok_or_else(|| Failure::new(format!("{file} does not tell VmRSS")))
}
