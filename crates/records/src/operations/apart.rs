//! Work on one record that can be long, apart from the calls of others: its formulas and its rules.
//!
//! What it costs is known by the record's size, and by whether the model has expressions. Short work is done at once.

use super::write::Transform;
use super::{Origin, complete, update};
use crate::call::Call;
use crate::id::Id;
use crate::served::Served;
use crate::state::Records;
use crate::table::Table;
use groundplan_budget::Budget;
use groundplan_call::{LONG, offload};
use groundplan_codec::Record;
use groundplan_codec::mask::UpdateMask;
use groundplan_error::Error;
use groundplan_identity::Principal;
use std::sync::Arc;

/// From so many bytes of memory on, what expressions do with a record can be long: they compare its elements with each other.
const LONG_IN_EXPRESSIONS: usize = 2 << 10;

/// A call that another thread can have.
struct Owned {
    records: Records,
    principal: Principal,
    budget: Budget,
    served: Arc<Served>,
    table: Arc<Table>,
}

impl Owned {
    fn of(call: &Call<'_>) -> Self {
        Self {
            records: call.records.clone(),
            principal: call.principal.clone(),
            budget: call.budget.clone(),
            served: call.served.clone(),
            table: call.table.clone(),
        }
    }

    fn call(&self) -> Call<'_> {
        let Self { records, principal, budget, served, table } = self;
        Call { records, principal, budget: budget.clone(), served: served.clone(), table: table.clone() }
    }
}

/// Completes a record that a caller creates.
pub(super) async fn completed(call: &Call<'_>, record: Record, id: &Id, now: i64) -> Result<Record, Error> {
    if !is_long(&call.table, record.memory()) {
        return complete(call, record, id, Origin::Caller, now);
    }
    let (owned, id) = (Owned::of(call), id.clone());
    offload(move || complete(&owned.call(), record, &id, Origin::Caller, now)).await?
}

/// Makes of a stored record what an update says; none if nothing of it changes.
pub(super) async fn merged(
    call: &Call<'_>,
    stored: &Record,
    (update, mask, transforms): (&Record, &UpdateMask, &[Transform]),
    now: i64,
) -> Result<Option<Record>, Error> {
    let memory = stored.memory() + update.memory();
    if !is_long(&call.table, memory) {
        return update::merge(call, stored, update.clone(), mask, transforms, now);
    }
    call.budget.hold(memory)?;
    let (owned, stored, update) = (Owned::of(call), stored.clone(), update.clone());
    let (mask, transforms) = (mask.clone(), transforms.to_vec());
    let merge = move || update::merge(&owned.call(), &stored, update, &mask, &transforms, now);
    let merged = offload(merge).await?;
    call.budget.release(memory);
    merged
}

/// Whether work on a record of a table that takes so much memory can be long.
fn is_long(table: &Table, memory: usize) -> bool {
    memory >= LONG || (memory >= LONG_IN_EXPRESSIONS && table.has_expressions)
}
