//! Collects what a tail gives.

use super::tailing::Tailing;
use groundplan_eventlog::Event;
use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

/// How long the next event is waited for, once everything is committed.
const PATIENCE: Duration = Duration::from_secs(20);

/// A tail at work.
pub(crate) struct Collector {
    pub(crate) name: &'static str,
    given: Arc<Mutex<Vec<Arc<Event>>>>,
    task: JoinHandle<()>,
}

impl Collector {
    /// Collects all that comes.
    pub(crate) fn start(name: &'static str, mut tailing: impl Tailing) -> Self {
        let given = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&given);
        let task = tokio::spawn(async move {
            loop {
                let events = tailing.next().await;
                kept.lock().unwrap().extend(events);
            }
        });
        Self { name, given, task }
    }

    fn count(&self) -> usize {
        self.given.lock().unwrap().len()
    }

    /// Which part of these keys has come.
    pub(crate) fn share(&self, keys: &HashSet<String>) -> f64 {
        let given = self.given.lock().unwrap();
        let known: HashSet<&str> = given.iter().map(|event| event.key.as_str()).collect();
        let came = keys.iter().filter(|key| known.contains(key.as_str())).count();
        came as f64 / keys.len().max(1) as f64
    }

    /// Waits until as many events have come, and then whether more come; gives them all.
    pub(crate) async fn end(self, expected: usize) -> Vec<Arc<Event>> {
        let (mut count, mut came) = (0, Instant::now());
        while self.count() < expected && came.elapsed() < PATIENCE && !self.task.is_finished() {
            sleep(Duration::from_millis(20)).await;
            if self.count() > count {
                (count, came) = (self.count(), Instant::now());
            }
        }
        sleep(Duration::from_millis(200)).await;
        assert!(!self.task.is_finished(), "{} has failed: {:?}", self.name, self.task.await);
        self.task.abort();
        std::mem::take(&mut *self.given.lock().unwrap())
    }
}
