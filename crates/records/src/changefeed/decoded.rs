//! A change, decoded once for all watches that see it.

use crate::change::Change;
use crate::table::Table;
use groundplan_budget::{Held, Memory};
use groundplan_error::Error;
use groundplan_eventlog::Event;
use std::sync::Arc;

/// A change that watches share. Its memory counts once towards the limit of the process.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) change: Change,
    _held: Held,
}

impl Decoded {
    /// Decodes an event of a model.
    ///
    /// # Errors
    /// `MEMORY_EXHAUSTED` if the process has reached its memory limit.
    pub(crate) fn read(memory: &Memory, table: &Table, event: &Event) -> Result<Arc<Self>, Error> {
        let mut held = memory.hold(event.size())?;
        let change = Change::read(table, event)?;
        held.grow(change.memory())?;
        Ok(Arc::new(Self { change, _held: held }))
    }
}
