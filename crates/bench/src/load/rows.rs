//! The rows that exist before the measurement, and the written records.

use crate::stubs::Entity;
use rand::RngExt as _;
use rand::rngs::StdRng;
use uuid::Uuid;

/// Each block of rows has 100 names, with 100 rows each.
const BLOCK: u64 = 10_000;
const NAMES: u64 = 100;

/// The number of records in a page.
pub(super) const PAGE: usize = 20;

/// The maximum number of rows that each worker changes.
const CHANGED: u64 = 64;

/// The rows, as one worker uses them.
#[derive(Clone, Copy)]
pub(super) struct Rows {
    pub(super) all: u64,
    /// The length of written texts, in bytes.
    pub(super) text: usize,
    pub(super) worker: u64,
    pub(super) workers: u64,
}

impl Rows {
    /// Returns the id of a random row.
    pub(super) fn any(&self, random: &mut StdRng) -> String {
        id(random.random_range(0..self.all))
    }

    /// Returns a random name, which 100 rows have.
    pub(super) fn name(&self, random: &mut StdRng) -> String {
        format!("group {}", random.random_range(0..self.names()))
    }

    /// Returns the ids of the rows that only this worker changes, spread over all rows.
    pub(super) fn own(&self) -> Vec<String> {
        let each = (self.all / self.workers).clamp(1, CHANGED);
        let step = (self.all / (each * self.workers)).max(1);
        (0..each).map(|at| id((at * self.workers + self.worker) * step % self.all)).collect()
    }

    /// Returns a record to write. [`Self::name`] never returns its name, so that listed pages do not change.
    pub(super) fn record(&self, id: String, random: &mut StdRng) -> Entity {
        let mut name = format!("new {} ", random.random_range(0..10_000_u32));
        while name.len() < self.text {
            // Random digits, like text, are hard to compress.
            name.push_str(&format!("{:x}", random.random::<u64>()));
        }
        name.truncate(self.text.max(8));
        Entity { id, field1: name, field2: random.random(), ..Entity::default() }
    }

    fn names(&self) -> u64 {
        (self.all / BLOCK).max(1) * NAMES
    }
}

/// Returns the id of a row by its number. `harness/database.py` has the same formula in SQL.
fn id(number: u64) -> String {
    Uuid::from_u128(0x7000_8000_0000_0000_0000 | u128::from(number)).to_string()
}

#[cfg(test)]
mod tests {
    use super::{Rows, id};
    use std::collections::HashSet;

    #[test]
    fn ids_are_those_of_the_harness() {
        assert_eq!(id(255), "00000000-0000-7000-8000-0000000000ff");
    }

    #[test]
    fn workers_change_rows_of_their_own() {
        for all in [300, 10_000] {
            let mut seen = HashSet::new();
            for worker in 0..256 {
                let own = Rows { all, text: 24, worker, workers: 256 }.own();
                assert!(!own.is_empty() && own.into_iter().all(|id| seen.insert(id)), "{all} rows, worker {worker}");
            }
        }
    }
}
