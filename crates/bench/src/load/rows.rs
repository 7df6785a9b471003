//! The rows that exist before the measurement, and the records that are written.

use crate::stubs::Entity;
use rand::RngExt as _;
use rand::rngs::StdRng;
use uuid::Uuid;

/// In each block of rows there are 100 names, of 100 rows each.
const BLOCK: u64 = 10_000;
const NAMES: u64 = 100;

/// The records of a page.
pub(super) const PAGE: usize = 20;

/// How many rows each worker changes at most.
const CHANGED: u64 = 64;

/// The rows, and which worker uses them.
#[derive(Clone, Copy)]
pub(super) struct Rows {
    pub(super) all: u64,
    /// The length of written texts, in bytes.
    pub(super) text: usize,
    pub(super) worker: u64,
    pub(super) workers: u64,
}

impl Rows {
    /// The id of any row.
    pub(super) fn any(&self, random: &mut StdRng) -> String {
        id(random.random_range(0..self.all))
    }

    /// The name of 100 rows.
    pub(super) fn name(&self, random: &mut StdRng) -> String {
        format!("group {}", random.random_range(0..self.names()))
    }

    /// The ids of rows that only this worker changes, spread over all.
    pub(super) fn own(&self) -> Vec<String> {
        let each = (self.all / self.workers).clamp(1, CHANGED);
        let step = (self.all / (each * self.workers)).max(1);
        (0..each).map(|at| id((at * self.workers + self.worker) * step % self.all)).collect()
    }

    /// A record to write. Its name is not one that [`Self::name`] gives, so that pages stay as they are.
    pub(super) fn record(&self, id: String, random: &mut StdRng) -> Entity {
        let mut name = format!("new {} ", random.random_range(0..10_000_u32));
        while name.len() < self.text {
            // Not compressible by much, as text is.
            name.push_str(&format!("{:x}", random.random::<u64>()));
        }
        name.truncate(self.text.max(8));
        Entity { id, field1: name, field2: random.random(), ..Entity::default() }
    }

    fn names(&self) -> u64 {
        (self.all / BLOCK).max(1) * NAMES
    }
}

/// The id of a row by its number: `harness/database.py` has the same as SQL.
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
