//! Runs the formulas and rules of a record on another thread if they can take long, so that they do not delay other calls.
//!
//! The size of the record, and whether the model has expressions, predict the cost. Short work runs immediately.

use crate::call::Call;
use crate::served::Served;
use crate::state::Records;
use crate::table::Table;
use groundplan_budget::Budget;
use groundplan_call::LONG;
use groundplan_identity::Principal;
use std::sync::Arc;

/// The memory of a record, in bytes, from which its expressions can take long: they compare its elements with each other.
const LONG_IN_EXPRESSIONS: usize = 2 << 10;

/// A call that can move to another thread.
pub(crate) struct OwnedCall {
    records: Records,
    principal: Principal,
    budget: Budget,
    served: Arc<Served>,
    table: Arc<Table>,
}

impl OwnedCall {
    pub(crate) fn new(call: &Call<'_>) -> Self {
        Self {
            records: call.records.clone(),
            principal: call.principal.clone(),
            budget: call.budget.clone(),
            served: call.served.clone(),
            table: call.table.clone(),
        }
    }

    pub(crate) fn call(&self) -> Call<'_> {
        let Self { records, principal, budget, served, table } = self;
        Call { records, principal, budget: budget.clone(), served: served.clone(), table: table.clone() }
    }
}

/// Returns whether work on a record of the table with this much memory, in bytes, can take long.
pub(crate) fn is_long(table: &Table, memory: usize) -> bool {
    memory >= LONG || (memory >= LONG_IN_EXPRESSIONS && table.has_expressions)
}
