//! Which statements the connections keep prepared.
//!
//! Callers shape statements by their filters and orders. A connection, and its server process, keeps what it has prepared
//! for as long as it lives, so texts are admitted: those that come again, and only so many. The others are prepared for one
//! run. Values are no part of a text: one application has few of them.

use groundplan_chassis::database::{MAX_CONNECTION_LIFETIME, Sql};
use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The most texts that are kept prepared at a time.
pub const MAX_KEPT: usize = 500;

/// The most bytes of those texts together: what a server keeps of a statement grows with its text.
const MAX_KEPT_BYTES: usize = 1 << 20;

/// The most texts that were seen once and are remembered.
const MAX_SEEN: usize = 1_000;

/// The texts that are kept prepared, by their hashes.
#[derive(Debug, Default)]
pub struct StatementCachePolicy {
    hasher: RandomState,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    kept: HashMap<u64, Kept>,
    bytes: usize,
    seen: HashSet<u64>,
    /// Those of `seen`, the first seen first.
    order: VecDeque<u64>,
}

#[derive(Debug)]
struct Kept {
    last_used: Instant,
    bytes: usize,
}

impl StatementCachePolicy {
    /// The statement of a text: kept prepared if the text comes for the second time and there is room.
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
        if !state.has_room(text.len()) {
            state.forget(now, MAX_CONNECTION_LIFETIME);
        }
        if !state.has_room(text.len()) {
            return false;
        }
        state.bytes += text.len();
        state.kept.insert(hash, Kept { last_used: now, bytes: text.len() });
        true
    }
}

impl State {
    fn has_room(&self, bytes: usize) -> bool {
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

    /// Drops what was not used for as long as a connection can live: no connection has it any more.
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
    fn the_second_time_counts_and_only_so_many_are_kept() {
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
        assert!(policy.admits("b", later), "those that no connection has any more make room");
        assert!(policy.admits("a", later), "what is used stays");
    }

    #[test]
    fn long_texts_are_bounded_together() {
        let policy = StatementCachePolicy::default();
        let admitted = (0..200).filter(|at| {
            let text = format!("{at}{}", "x".repeat(20_000));
            policy.admits(&text, Instant::now()) || policy.admits(&text, Instant::now())
        });
        assert_eq!(admitted.count(), MAX_KEPT_BYTES / 20_003);
    }

    #[test]
    fn what_was_seen_long_ago_is_new_again() {
        let policy = StatementCachePolicy::default();
        let now = Instant::now();
        assert!(!policy.admits("a", now));
        (0..1_000).for_each(|at| assert!(!policy.admits(&at.to_string(), now)));
        assert!(!policy.admits("a", now));
    }
}
