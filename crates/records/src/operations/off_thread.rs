//! Work on one record that can be long, apart from the calls of others: its formulas and its rules.
//!
//! What it costs is known by the record's size, and by whether the model has expressions. Short work is done at once.

use crate::call::Call;
use crate::served::Served;
use crate::state::Records;
use crate::table::Table;
use groundplan_budget::Budget;
use groundplan_call::LONG;
use groundplan_identity::Principal;
use std::sync::Arc;

/// From so many bytes of memory on, what expressions do with a record can be long: they compare its elements with each other.
const LONG_IN_EXPRESSIONS: usize = 2 << 10;

/// A call that another thread can have.
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

/// Whether work on a record of a table that takes so much memory can be long.
pub(crate) fn is_long(table: &Table, memory: usize) -> bool {
    memory >= LONG || (memory >= LONG_IN_EXPRESSIONS && table.has_expressions)
}
