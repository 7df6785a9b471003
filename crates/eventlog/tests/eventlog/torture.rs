//! Torture test of the log: writers use savepoints, prepared transactions and rollbacks, and are killed, while other sessions
//! hold transactions open. Every committed event must be delivered once, in order, and soon.
//!
//! `GROUNDPLAN_LOG_TORTURE_SECONDS` sets the duration. The documentation quotes the printed results.

mod check;
mod collector;
mod setup;
mod subject;
mod writer;

use crate::support::{attach_old, number, process_with, until};
use check::Findings;
use collector::Collector;
use groundplan_eventlog::Settings;
use setup::Setup;
use std::time::Duration;
use subject::{DirectTail, LogFollower, NaivePoller};
use writer::Pace;

/// The retention is shorter than the age of the old partition.
const SETTINGS: Settings = Settings { retention: Duration::from_secs(3_600), poll: Duration::from_secs(1) };

#[expect(clippy::disallowed_methods, reason = "it configures tests, not the program")]
fn duration() -> Duration {
    let seconds = std::env::var("GROUNDPLAN_LOG_TORTURE_SECONDS").ok();
    Duration::from_secs(seconds.map_or(7, |text| text.parse().expect("a number of seconds")))
}

/// Few writers, which keep their transactions open.
const PAUSES: Pace = Pace { writers: 8, has_pauses: true, largest: (40, 1_024) };

/// Many writers, which draw and commit as fast as they can.
const FULL_SPEED: Pace = Pace { writers: 16, has_pauses: false, largest: (4, 64) };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_event_of_sixteen_fast_writers_is_lost() {
    let setup = Setup::new().await;
    let process = process_with(&setup.url(), SETTINGS).await;
    process.log.ready().await.unwrap();
    let collectors = vec![
        Collector::start("tail", DirectTail::new(&setup).await),
        Collector::start("follower", LogFollower::new(process.log.clone(), setup.start)),
    ];
    let report = setup.torture((FULL_SPEED, duration()), collectors, async |_| {}).await;
    println!("{report}");
    for (name, findings) in &report.findings {
        assert!(findings.is_correct(), "{name}: {findings}");
        assert!(findings.committed > 500, "{name}: too few events were committed: {findings}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tail_delivers_each_committed_event_once_and_in_order() {
    let setup = Setup::new().await;
    let first = process_with(&setup.url(), SETTINGS).await;
    first.log.ready().await.unwrap();
    let collectors = vec![
        Collector::start("tail", DirectTail::new(&setup).await),
        Collector::start("follower", LogFollower::new(first.log.clone(), setup.start)),
    ];
    let mut late = None;
    let report = setup
        .torture((PAUSES, duration()), collectors, async |collectors| {
            attach_old(&mut first.connection().await, "events_old", 10, 1..=setup.start.position).await;
            first.log.partition_missing();
            // The follower of a process that starts late reads earlier events from the database.
            let second = process_with(&setup.url(), SETTINGS).await;
            collectors.push(Collector::start("late follower", LogFollower::new(second.log.clone(), setup.start)));
            late = Some(second);
        })
        .await;
    println!("{report}");
    for (name, findings) in &report.findings {
        assert!(findings.is_correct(), "{name}: {findings}");
        assert!(findings.committed > 500, "{name}: too few events were committed: {findings}");
    }
    for (name, share) in &report.delivered_meanwhile {
        assert!(
            *share > 0.9,
            "{name}: only {share} of the events committed 2 s before were delivered while unrelated transactions were open"
        );
    }
    assert!(report.slowest_statement < Duration::from_secs(2), "a writer waited: {:?}", report.slowest_statement);
    let mut connection = first.connection().await;
    until(&mut connection, "SELECT count(*) FROM pg_class WHERE relname = 'events_old'", 0).await;
    assert_eq!(number(&mut connection, "SELECT dropped_through FROM event_log").await, setup.start.position);
}

/// Proves that the test detects lost events.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_naive_poller_loses_events() {
    let setup = Setup::new().await;
    let process = process_with(&setup.url(), SETTINGS).await;
    let collectors = vec![Collector::start("naive poller", NaivePoller::new(&setup).await)];
    let report = setup.torture((PAUSES, duration()), collectors, async |_| {}).await;
    println!("{report}");
    let Findings { lost, committed, .. } = report.findings[0].1;
    assert!(lost > 0 && committed > 500, "the torture is too soft: {report}");
    drop(process);
}
