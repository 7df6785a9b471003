//! The preconditions of writes: etags and conditions, checked against the record as it is before the write.

use super::planned::Planned;
use crate::call::Call;
use crate::etag;
use groundplan_budget::{Budget, Resource};
use groundplan_call::offload;
use groundplan_codec::Record;
use groundplan_error::{Error, Precondition, Reason};
use groundplan_expr::Scope;
use groundplan_model::catalog::{Catalog, Model};
use groundplan_query::Compiled;
use std::sync::Arc;
use tokio::task::yield_now;

/// The most steps of an evaluation on a thread of the runtime: about half a millisecond. Most conditions take fewer than a
/// hundred.
const SHORT: u64 = 20_000;

/// The number of steps after which an evaluation yields to other tasks.
const TURN: u64 = 1_000;

/// Returns an error if the record has another etag than the write expects, or if the condition does not hold. An evaluation
/// error counts as no match, as in a filter.
pub(crate) async fn check(
    call: &Call<'_>,
    write: &Planned<'_>,
    (record, version): (&Record, i64),
    now: i64,
) -> Result<(), Error> {
    if write.wanted.is_some_and(|wanted| wanted != version) {
        return Err(etag::mismatch(&call.table.model, &write.id, version).within(&write.place.item()));
    }
    let Some(condition) = &write.condition else { return Ok(()) };
    let holds = holds(call, condition, record, now).await;
    if holds.map_err(|error| error.within(&write.place.item()))? {
        return Ok(());
    }
    let model = &call.table.model;
    let id = write.id.to_string();
    let message = format!("the condition does not hold for {} {id:?}; nothing was written", model.full_name);
    let precondition = Precondition {
        kind: "CONDITION",
        subject: format!("{}/{id}", model.full_name),
        description: format!("{} does not hold", write.place.item() + ".condition"),
    };
    let refused = Error::new(Reason::ConditionNotMet, message)
        .with_resource(&model.full_name, id)
        .with_preconditions(vec![precondition]);
    Err(refused.within(&write.place.item()))
}

/// Evaluates a condition. It is tried on this thread; a long evaluation starts again on another thread, apart from other
/// calls.
async fn holds(call: &Call<'_>, condition: &Arc<Compiled>, record: &Record, now: i64) -> Result<bool, Error> {
    let (catalog, model) = (&call.served.catalog, &call.table.model);
    let trial = call.budget.trial(SHORT);
    if let Ok(holds) = evaluate(condition, (catalog, model), record, now, &trial) {
        let steps = trial.spent(Resource::Steps);
        call.budget.charge(Resource::Steps, steps)?;
        if steps > TURN {
            yield_now().await;
        }
        return Ok(holds);
    }
    let memory = record.memory();
    call.budget.hold(memory)?;
    let (condition, catalog, model) = (condition.clone(), catalog.clone(), model.clone());
    let (record, budget) = (record.clone(), call.budget.clone());
    let holds = offload(move || evaluate(&condition, (&catalog, &model), &record, now, &budget)).await?;
    call.budget.release(memory);
    holds
}

fn evaluate(
    condition: &Compiled,
    (catalog, model): (&Catalog, &Arc<Model>),
    record: &Record,
    now: i64,
    budget: &Budget,
) -> Result<bool, Error> {
    let Some(filter) = &condition.filter else { return Ok(true) };
    let scope = Scope { catalog, model };
    Ok(filter.evaluate(scope, record, now, &|_| None, budget)?.unwrap_or_default())
}
