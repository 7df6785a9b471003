//! Records that cannot be purged yet, and when to try each again.
//!
//! The query for due records excludes those with direct references. This handles the rest: records with a cascade that would
//! delete a record that another record refers to.

use crate::operations::purge::Over;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// The pause after the first failure. Each further failure doubles it up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(30);

const MAX_PAUSE: Duration = Duration::from_secs(3_600);

/// The maximum number of remembered records. Others are tried in each round.
const MAX_RECORDS: usize = 100_000;

/// The waiting records, by model.
#[derive(Debug, Default)]
pub(crate) struct Retries(HashMap<(String, Over), Wait>);

#[derive(Clone, Copy, Debug)]
struct Wait {
    until: Instant,
    pause: Duration,
}

impl Retries {
    /// Reports whether a record can be tried now.
    pub(crate) fn is_due(&self, model: &str, over: &Over, now: Instant) -> bool {
        self.0.get(&(model.to_owned(), over.clone())).is_none_or(|wait| wait.until <= now)
    }

    /// Records that a record could not be purged.
    pub(crate) fn record_failure(&mut self, model: &str, over: Over, now: Instant) {
        let key = (model.to_owned(), over);
        if self.0.len() >= MAX_RECORDS && !self.0.contains_key(&key) {
            // Records that were not tried for long no longer exist, or their model does not.
            self.0.retain(|_, wait| wait.until + MAX_PAUSE > now);
        }
        if self.0.len() < MAX_RECORDS || self.0.contains_key(&key) {
            let pause = self.0.get(&key).map_or(FIRST_PAUSE, |wait| (wait.pause * 2).min(MAX_PAUSE));
            self.0.insert(key, Wait { until: now + pause, pause });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use groundplan_query::id::Id;

    #[test]
    fn pause_doubles_after_each_failure() {
        let (mut retries, start) = (Retries::default(), Instant::now());
        let over = ("t".to_owned(), Id::Text("a".to_owned()));
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(retries.is_due("m", &over, start));
        retries.record_failure("m", over.clone(), start);
        assert!(!retries.is_due("m", &over, at(29)) && retries.is_due("m", &over, at(30)));
        assert!(retries.is_due("other", &over, start), "another model has its own ids");
        retries.record_failure("m", over.clone(), at(30));
        assert!(!retries.is_due("m", &over, at(89)) && retries.is_due("m", &over, at(90)));
        for _ in 0..20 {
            retries.record_failure("m", over.clone(), at(90));
        }
        assert!(retries.is_due("m", &over, at(90 + 3_600)), "at least once an hour");
    }
}
