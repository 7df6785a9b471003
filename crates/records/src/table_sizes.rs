//! How large tables are.

use groundplan_model::catalog::Table;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long the size of a table is taken for what it was.
const FRESH: Duration = Duration::from_secs(10);

/// How large tables are, as far as that is known.
#[derive(Debug, Default)]
pub(crate) struct Sizes(Mutex<HashMap<Table, (Instant, i64)>>);

impl Sizes {
    pub(crate) fn get(&self, table: &Table) -> Option<i64> {
        let sizes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sizes.get(table).filter(|(at, _)| at.elapsed() < FRESH).map(|(_, size)| *size)
    }

    pub(crate) fn set(&self, table: &Table, size: i64) {
        // Tables that are served no more go, and with them what is too old to count.
        let mut sizes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sizes.retain(|_, (at, _)| at.elapsed() < FRESH);
        sizes.insert(table.clone(), (Instant::now(), size));
    }
}
