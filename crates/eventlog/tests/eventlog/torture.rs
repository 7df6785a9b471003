//! The torture of the log: writers that do all that writers may do, and worse, while others hold transactions open. Whatever
//! is committed must be given, once and in order, and soon.
//!
//! `GROUNDPLAN_LOG_TORTURE_SECONDS` says for how long. What is printed at the end is for the documentation.

mod check;
mod collector;
mod tailing;
mod world;
mod writer;

use crate::support::{attach_old, number, process_with, until};
use check::Findings;
use collector::Collector;
use groundplan_eventlog::Settings;
use std::time::Duration;
use tailing::{Direct, Following, Naive};
use world::World;
use writer::Pace;

/// Too short for what the old partition has.
const SETTINGS: Settings = Settings { retention: Duration::from_secs(3_600), poll: Duration::from_secs(1) };

#[expect(clippy::disallowed_methods, reason = "it steers tests, and is no setting of the program")]
fn duration() -> Duration {
    let seconds = std::env::var("GROUNDPLAN_LOG_TORTURE_SECONDS").ok();
    Duration::from_secs(seconds.map_or(7, |text| text.parse().expect("a number of seconds")))
}

/// Few writers that keep their transactions open.
const PAUSES: Pace = Pace { writers: 8, has_pauses: true, largest: (40, 1_024) };

/// Many writers that draw and commit as fast as they can.
const FULL_SPEED: Pace = Pace { writers: 16, has_pauses: false, largest: (4, 64) };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_of_sixteen_writers_at_full_speed() {
    let world = World::new().await;
    let process = process_with(&world.url(), SETTINGS).await;
    process.log.ready().await.unwrap();
    let collectors = vec![
        Collector::start("tail", Direct::new(&world).await),
        Collector::start("follower", Following::new(process.log.clone(), world.start)),
    ];
    let report = world.torture((FULL_SPEED, duration()), collectors, async |_| {}).await;
    println!("{report}");
    for (name, findings) in &report.findings {
        assert!(findings.is_faultless(), "{name}: {findings}");
        assert!(findings.committed > 500, "{name}: too little was committed: {findings}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tail_gives_all_that_is_committed_once_and_in_order() {
    let world = World::new().await;
    let first = process_with(&world.url(), SETTINGS).await;
    first.log.ready().await.unwrap();
    let collectors = vec![
        Collector::start("tail", Direct::new(&world).await),
        Collector::start("follower", Following::new(first.log.clone(), world.start)),
    ];
    let mut late = None;
    let report = world
        .torture((PAUSES, duration()), collectors, async |collectors| {
            attach_old(&mut first.connection().await, "events_old", 10, 1..=world.start.position).await;
            first.log.partition_missing();
            // A process that starts late knows nothing of what was: its follower reads that from the database.
            let second = process_with(&world.url(), SETTINGS).await;
            collectors.push(Collector::start("late follower", Following::new(second.log.clone(), world.start)));
            late = Some(second);
        })
        .await;
    println!("{report}");
    for (name, findings) in &report.findings {
        assert!(findings.is_faultless(), "{name}: {findings}");
        assert!(findings.committed > 500, "{name}: too little was committed: {findings}");
    }
    for (name, share) in &report.delivered_meanwhile {
        assert!(
            *share > 0.9,
            "{name}: {share} of what was committed 2 s before was given while strangers were at work"
        );
    }
    assert!(report.slowest_statement < Duration::from_secs(2), "a writer waited: {:?}", report.slowest_statement);
    let mut connection = first.connection().await;
    until(&mut connection, "SELECT count(*) FROM pg_class WHERE relname = 'events_old'", 0).await;
    assert_eq!(number(&mut connection, "SELECT dropped_through FROM event_log").await, world.start.position);
}

/// The test of the test.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poller_that_takes_what_it_sees_loses_events() {
    let world = World::new().await;
    let process = process_with(&world.url(), SETTINGS).await;
    let collectors = vec![Collector::start("naive poller", Naive::new(&world).await)];
    let report = world.torture((PAUSES, duration()), collectors, async |_| {}).await;
    println!("{report}");
    let Findings { lost, committed, .. } = report.findings[0].1;
    assert!(lost > 0 && committed > 500, "the torture is too soft: {report}");
    drop(process);
}
