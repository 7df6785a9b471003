//! Records that are over and cannot go yet, and when each is tried again.
//!
//! What directly keeps a record is asked with the look for those that are over. This is for the rest: a record that would take
//! with it what something alive refers to.

use crate::operations::purge::Over;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How long the first one waits; each further attempt doubles it up to [`LONGEST`].
const FIRST: Duration = Duration::from_secs(30);

const LONGEST: Duration = Duration::from_secs(3_600);

/// As many are remembered. Others are tried in each round.
const MOST: usize = 100_000;

/// The records that wait, by model.
#[derive(Debug, Default)]
pub(crate) struct Held(HashMap<(String, Over), Wait>);

#[derive(Clone, Copy, Debug)]
struct Wait {
    until: Instant,
    pause: Duration,
}

impl Held {
    /// Whether a record may be tried.
    pub(crate) fn is_due(&self, model: &str, over: &Over, now: Instant) -> bool {
        self.0.get(&(model.to_owned(), over.clone())).is_none_or(|wait| wait.until <= now)
    }

    /// Notes that a record was tried and stays.
    pub(crate) fn stays(&mut self, model: &str, over: Over, now: Instant) {
        let key = (model.to_owned(), over);
        if self.0.len() >= MOST && !self.0.contains_key(&key) {
            // Those that were not tried for long are gone, or belong to a model that is gone.
            self.0.retain(|_, wait| wait.until + LONGEST > now);
        }
        if self.0.len() < MOST || self.0.contains_key(&key) {
            let pause = self.0.get(&key).map_or(FIRST, |wait| (wait.pause * 2).min(LONGEST));
            self.0.insert(key, Wait { until: now + pause, pause });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use groundplan_query::id::Id;

    #[test]
    fn a_record_that_stays_waits_longer_each_time() {
        let (mut held, start) = (Held::default(), Instant::now());
        let over = ("t".to_owned(), Id::Text("a".to_owned()));
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(held.is_due("m", &over, start));
        held.stays("m", over.clone(), start);
        assert!(!held.is_due("m", &over, at(29)) && held.is_due("m", &over, at(30)));
        assert!(held.is_due("other", &over, start), "another model has ids of its own");
        held.stays("m", over.clone(), at(30));
        assert!(!held.is_due("m", &over, at(89)) && held.is_due("m", &over, at(90)));
        for _ in 0..20 {
            held.stays("m", over.clone(), at(90));
        }
        assert!(held.is_due("m", &over, at(90 + 3_600)), "at least once an hour");
    }
}
