//! Decides which statements the connections keep prepared.
//!
//! Filters and orders of callers determine the text of statements. A connection and its server process keep prepared statements
//! until it closes, so only a limited number of texts that recur are kept. Others are prepared for one execution. Values are not
//! part of a text, so one application has few texts.

use groundplan_chassis::database::{MAX_CONNECTION_LIFETIME, Sql};
use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The maximum number of texts that are kept prepared.
pub const MAX_KEPT: usize = 500;

/// The maximum total size of those texts in bytes. A server's memory for a statement grows with its text.
const MAX_KEPT_BYTES: usize = 1 << 20;

/// The maximum number of remembered texts that occurred once.
const MAX_SEEN: usize = 1_000;

/// The texts that are kept prepared, by hash.
#[derive(Debug, Default)]
pub struct StatementCachePolicy {
    hasher: RandomState,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    kept: HashMap<u64, PreparedText>,
    bytes: usize,
    seen: HashSet<u64>,
    /// The hashes of `seen`, the oldest first.
    order: VecDeque<u64>,
}

#[derive(Debug)]
struct PreparedText {
    last_used: Instant,
    bytes: usize,
}

impl StatementCachePolicy {
    /// Returns the statement of a text. It is kept prepared if the text recurs and capacity is left.
    pub fn sql(&self, text: &str) -> Sql {
        if self.admits(text, Instant::now()) { Sql::new(text) } else { Sql::once(text) }
    }

    fn admits(&self, text: &str, now: Instant) -> bool {
        let hash = self.hasher.hash_one(text);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = state.kept.get_mut(&hash) {
            kept.last_used = now;
            return true;
        }
        if !state.seen.contains(&hash) {
            state.see(hash);
            return false;
        }
        if !state.has_capacity(text.len()) {
            state.forget(now, MAX_CONNECTION_LIFETIME);
        }
        if !state.has_capacity(text.len()) {
            return false;
        }
        state.bytes += text.len();
        state.kept.insert(hash, PreparedText { last_used: now, bytes: text.len() });
        true
    }
}

impl State {
    fn has_capacity(&self, bytes: usize) -> bool {
        self.kept.len() < MAX_KEPT && self.bytes + bytes <= MAX_KEPT_BYTES
    }

    fn see(&mut self, hash: u64) {
        if self.order.len() == MAX_SEEN
            && let Some(first) = self.order.pop_front()
        {
            self.seen.remove(&first);
        }
        self.seen.insert(hash);
        self.order.push_back(hash);
    }

    /// Drops texts that were not used for the maximum lifetime of a connection: no connection has them any more.
    fn forget(&mut self, now: Instant, lifetime: Duration) {
        self.kept.retain(|_, kept| now.duration_since(kept.last_used) <= lifetime);
        self.bytes = self.kept.values().map(|kept| kept.bytes).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_KEPT, MAX_KEPT_BYTES, StatementCachePolicy};
    use groundplan_chassis::database::MAX_CONNECTION_LIFETIME;
    use std::time::{Duration, Instant};

    #[test]
    fn recurring_texts_are_kept_up_to_the_limit() {
        let policy = StatementCachePolicy::default();
        let now = Instant::now();
        assert_eq!([0; 3].map(|_| policy.admits("a", now)), [false, true, true]);
        let admitted = (0..2_000).filter(|at| {
            let text = format!("SELECT {at}");
            assert!(!policy.admits(&text, now));
            policy.admits(&text, now)
        });
        assert_eq!(admitted.count(), MAX_KEPT - 1);
        assert!(policy.admits("a", now + MAX_CONNECTION_LIFETIME));
        let later = now + MAX_CONNECTION_LIFETIME + Duration::from_secs(1);
        assert!(!policy.admits("b", later));
        assert!(policy.admits("b", later), "texts that no connection has are dropped");
        assert!(policy.admits("a", later), "used texts stay");
    }

    #[test]
    fn total_size_of_texts_is_limited() {
        let policy = StatementCachePolicy::default();
        let admitted = (0..200).filter(|at| {
            let text = format!("{at}{}", "x".repeat(20_000));
            policy.admits(&text, Instant::now()) || policy.admits(&text, Instant::now())
        });
        assert_eq!(admitted.count(), MAX_KEPT_BYTES / 20_003);
    }

    #[test]
    fn old_texts_are_forgotten() {
        let policy = StatementCachePolicy::default();
        let now = Instant::now();
        assert!(!policy.admits("a", now));
        (0..1_000).for_each(|at| assert!(!policy.admits(&at.to_string(), now)));
        assert!(!policy.admits("a", now));
    }
}
