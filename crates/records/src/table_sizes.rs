//! A cache of table sizes.

use groundplan_model::catalog::Table;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a cached size is valid.
const LIFETIME: Duration = Duration::from_secs(10);

/// The known sizes of tables in bytes.
#[derive(Debug, Default)]
pub(crate) struct TableSizes(Mutex<HashMap<Table, (Instant, i64)>>);

impl TableSizes {
    pub(crate) fn get(&self, table: &Table) -> Option<i64> {
        let sizes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sizes.get(table).filter(|(at, _)| at.elapsed() < LIFETIME).map(|(_, size)| *size)
    }

    pub(crate) fn set(&self, table: &Table, size: i64) {
        // This also removes tables that are no longer served.
        let mut sizes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sizes.retain(|_, (at, _)| at.elapsed() < LIFETIME);
        sizes.insert(table.clone(), (Instant::now(), size));
    }
}
