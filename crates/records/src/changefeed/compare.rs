//! Compares a change with the filters of a subscription.

use super::compiled_subscription::{CompiledModel, CompiledSubscription};
use super::context::Context;
use super::decoded::Decoded;
use super::delivery::Delivery;
use super::event::{Matches, seen};
use crate::served::Served;
use groundplan_budget::{Allowance, Budget, DEFAULT};
use groundplan_codec::Record;
use groundplan_error::{Error, Reason};
use groundplan_eventlog::Event;
use groundplan_expr::Scope;
use groundplan_operations::WatchEvent;
use groundplan_query::visibility;
use std::sync::Arc;

/// The approximate size of a waiting event in bytes, in addition to the change that all watches share.
const OVERHEAD: usize = 1 << 10;

/// The maximum number of steps of a filter for one change. The hub evaluates the filters of all watches one after the other.
pub(crate) const MAX_STEPS: usize = 200_000;

impl CompiledSubscription {
    /// Returns the event of a change for the watchers; `None` if the record matches neither before nor after it.
    pub(crate) fn compare(
        &self,
        context: &Context,
        event: &Event,
        decoded: &Arc<Decoded>,
    ) -> Result<Option<Delivery>, Error> {
        let Some(model) = self.models.iter().find(|model| model.table.model.full_name == event.topic) else {
            return Ok(None);
        };
        let allowance = Allowance { steps: MAX_STEPS as u64, ..DEFAULT };
        let budget = Budget::new(allowance, None);
        let matches = |record: &Option<Record>| match record {
            Some(record) => model.matches(&self.served, record, &budget).map_err(|error| costly(error, event)),
            None => Ok(false),
        };
        let (before, after) = (matches(&decoded.change.before)?, matches(&decoded.change.after)?);
        if !before && !after {
            return Ok(None);
        }
        let at = event.resume_point();
        let token = context.log.seal_token(self.origin.as_bytes(), at)?;
        let held = context.memory.hold(OVERHEAD)?;
        let seen = seen(self, model, event, decoded, Matches { before, after }, token);
        let event = WatchEvent { bytes: event.size(), memory: Some(context.memory.clone()), ..seen };
        Ok(Some(Delivery::new(at, event, Some(held))))
    }
}

impl CompiledModel {
    /// Reports whether a record matches. If the expression fails, the record does not match.
    fn matches(&self, served: &Served, record: &Record, budget: &Budget) -> Result<bool, Error> {
        if visibility::deleted_at(&self.table.model, record).is_some() {
            return Ok(false);
        }
        let Some(filter) = &self.query.filter else { return Ok(true) };
        let scope = Scope { catalog: &served.catalog, model: &self.table.model };
        Ok(filter.evaluate(scope, record, 0, &|_| None, budget)?.unwrap_or_default())
    }
}

/// Returns the error that ends a watch with a filter that takes too many steps. Returns other errors unchanged.
fn costly(error: Error, event: &Event) -> Error {
    if error.reason() != Reason::BudgetExceeded {
        return error;
    }
    let message = format!(
        "the filter takes more than {MAX_STEPS} steps for the {} {:?}; use fewer nested `all` and `exists`, or watch with a \
         simpler filter and filter the events in the client",
        event.topic, event.key
    );
    Error::new(Reason::BudgetExceeded, message).with("limit", MAX_STEPS.to_string())
}
