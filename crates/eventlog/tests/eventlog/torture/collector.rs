//! Collects the events of a tail.

use super::subject::Subject;
use groundplan_eventlog::Event;
use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

/// How long to wait for the next event after everything is committed.
const PATIENCE: Duration = Duration::from_secs(20);

/// A task that collects the events of a tail.
pub(crate) struct Collector {
    pub(crate) name: &'static str,
    delivered: Arc<Mutex<Vec<Arc<Event>>>>,
    task: JoinHandle<()>,
}

impl Collector {
    /// Starts to collect events.
    pub(crate) fn start(name: &'static str, mut subject: impl Subject) -> Self {
        let delivered = Arc::new(Mutex::new(Vec::new()));
        let collected = Arc::clone(&delivered);
        let task = tokio::spawn(async move {
            loop {
                let events = subject.next().await;
                collected.lock().unwrap().extend(events);
            }
        });
        Self { name, delivered, task }
    }

    fn count(&self) -> usize {
        self.delivered.lock().unwrap().len()
    }

    /// Returns the fraction of these keys that was delivered.
    pub(crate) fn share(&self, keys: &HashSet<String>) -> f64 {
        let delivered = self.delivered.lock().unwrap();
        let known: HashSet<&str> = delivered.iter().map(|event| event.key.as_str()).collect();
        let count = keys.iter().filter(|key| known.contains(key.as_str())).count();
        count as f64 / keys.len().max(1) as f64
    }

    /// Waits for the expected number of events, and briefly for surplus ones; returns all.
    pub(crate) async fn end(self, expected: usize) -> Vec<Arc<Event>> {
        let (mut count, mut last_change) = (0, Instant::now());
        while self.count() < expected && last_change.elapsed() < PATIENCE && !self.task.is_finished() {
            sleep(Duration::from_millis(20)).await;
            if self.count() > count {
                (count, last_change) = (self.count(), Instant::now());
            }
        }
        sleep(Duration::from_millis(200)).await;
        assert!(!self.task.is_finished(), "{} has failed: {:?}", self.name, self.task.await);
        self.task.abort();
        std::mem::take(&mut *self.delivered.lock().unwrap())
    }
}
