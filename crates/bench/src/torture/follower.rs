//! A watcher that resumes after every break.

use super::replica::Replica;
use super::tally::Tally;
use crate::client::{AGAIN, Entities, is_break, list};
use crate::stubs::WatchEntitiesRequest;
use groundplan_proto::watch::v1::Start;
use rand::RngExt as _;
use rand::rngs::StdRng;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use tonic::{Code, Status};

/// The time that a slow watcher sleeps after an event.
const SLOWNESS: Duration = Duration::from_millis(50);

/// The duration of a slow phase, and the period of these phases. A watcher that is always slow would never catch up to where
/// it can be disconnected again.
const SPELL: (Duration, Duration) = (Duration::from_secs(4), Duration::from_secs(6));

/// The duration of a call of a reconnecting watcher, in milliseconds.
const STAY: std::ops::Range<u64> = 500..1_500;

/// The behavior of a watcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    Steady,
    Slow,
    Reconnecting,
}

/// A watcher and its behavior.
pub(super) struct Follower {
    pub(super) number: usize,
    pub(super) filter: String,
    /// The text of the end record, which is written last.
    pub(super) end: String,
    pub(super) pace: Pace,
    pub(super) client: Entities,
    pub(super) tally: Arc<Tally>,
    /// Whether the end record is written.
    pub(super) announced: watch::Receiver<bool>,
    pub(super) chance: StdRng,
    pub(super) began: Instant,
}

/// The reason why a call ended.
enum Ended {
    /// The end record was received.
    End,
    Dropped,
    Broken(Status),
    Fault(String),
}

impl Follower {
    /// Watches until the end record. Returns the fault, if any.
    pub(super) async fn run(mut self) -> Option<String> {
        let fault = self.follow().await.err()?;
        Some(format!("follower {}, {:?}, with filter {:?}: {fault}", self.number, self.pace, self.filter))
    }

    async fn follow(&mut self) -> Result<(), String> {
        let mut replica = Replica::default();
        loop {
            match self.call(&mut replica).await {
                Ended::End => break,
                Ended::Fault(fault) => return Err(fault),
                Ended::Dropped => self.tally.dropped.add(),
                Ended::Broken(status) if status.code() == Code::ResourceExhausted => self.tally.cut_off.add(),
                Ended::Broken(status) if is_break(&status) => {
                    self.tally.broken.add();
                    sleep(AGAIN).await;
                }
                Ended::Broken(status) => return Err(format!("the watch ended: {status}")),
            }
            if replica.token.is_empty() {
                // A watch cannot resume without a token.
                self.tally.anew.add();
                replica = Replica::default();
            }
        }
        self.tally.ended.add();
        let listed = list(&self.client, &self.filter).await.map_err(|status| format!("the list failed: {status}"))?;
        match replica.differences(listed).as_slice() {
            [] => Ok(()),
            differences => {
                let first: Vec<&str> = differences.iter().take(3).map(String::as_str).collect();
                Err(format!("{} records differ from the table: {}", differences.len(), first.join("; ")))
            }
        }
    }

    /// Makes one call, which resumes after the last event of the replica.
    async fn call(&mut self, replica: &mut Replica) -> Ended {
        let drop_at = self.time_to_drop();
        let start = if replica.token.is_empty() { Start::Initial } else { Start::Unspecified };
        let request = WatchEntitiesRequest {
            filter: self.filter.clone(),
            start: start.into(),
            token: replica.token.clone(),
            allow_scan: true,
            ..WatchEntitiesRequest::default()
        };
        let mut events = match self.client.watch_entities(request).await {
            Ok(answer) => answer.into_inner(),
            Err(status) => return Ended::Broken(status),
        };
        loop {
            let come = async { if let Some(at) = drop_at { sleep_until(at).await } else { pending().await } };
            let event = tokio::select! {
                event = events.message() => event,
                () = come => return Ended::Dropped,
            };
            let event = match event {
                Ok(Some(event)) => event,
                Ok(None) => return Ended::Fault("the watch ended without a status".to_owned()),
                Err(status) => return Ended::Broken(status),
            };
            self.tally.events.add();
            let is_end = event.entity.as_ref().is_some_and(|entity| entity.field1 == self.end);
            let is_synced = event.kind() == groundplan_proto::watch::v1::EventKind::Synced;
            if let Err(fault) = replica.apply(event) {
                return Ended::Fault(fault);
            }
            if !replica.token.is_empty() && (is_end || is_synced && replica.has(&self.end)) {
                return Ended::End;
            }
            self.dawdle().await;
        }
    }

    /// Returns the time at which a reconnecting watcher drops the call; none for others.
    fn time_to_drop(&mut self) -> Option<Instant> {
        let stay = Duration::from_millis(self.chance.random_range(STAY));
        (self.pace == Pace::Reconnecting).then(|| Instant::now() + stay)
    }

    /// Sleeps if the watcher is slow and in a slow phase, until the end record is written.
    async fn dawdle(&mut self) {
        let is_spell = self.began.elapsed().as_millis() % SPELL.1.as_millis() < SPELL.0.as_millis();
        if self.pace == Pace::Slow && is_spell && !*self.announced.borrow() {
            tokio::select! {
                () = sleep(SLOWNESS) => {}
                _ = self.announced.wait_for(|announced| *announced) => {}
            }
        }
    }
}
