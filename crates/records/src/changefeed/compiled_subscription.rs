//! A subscription, compiled for a revision: what of a change its followers see.

use super::decoded::Decoded;
use super::event::{Delivery, seen};
use super::hub::Context;
use super::{SubscribedModel, Subscription};
use crate::living;
use crate::page_token::Origin;
use crate::query::Compiled;
use crate::served::Served;
use crate::table::Table;
use groundplan_budget::{Allowance, Budget, DEFAULT};
use groundplan_codec::Record;
use groundplan_codec::mask::ReadMask;
use groundplan_error::{Error, Reason, Violation};
use groundplan_eventlog::Event;
use groundplan_expr::{ExternalDependency, Scope};
use groundplan_operations::WatchEvent;
use std::sync::Arc;

/// About how many bytes an event takes that waits, besides the change that all watches share.
const OVERHEAD: usize = 1 << 10;

/// The most steps that a filter may take for one change: the hub evaluates the filters of all watches, one after the other.
pub(crate) const MAX_STEPS: usize = 200_000;

/// A subscription, compiled for one revision.
pub(crate) struct CompiledSubscription {
    pub(crate) subscription: Arc<Subscription>,
    pub(crate) served: Arc<Served>,
    /// In the order of the subscription's.
    pub(crate) models: Vec<Arc<CompiledModel>>,
    pub(crate) origin: Origin,
}

/// One model of a compiled subscription.
pub(crate) struct CompiledModel {
    pub(crate) table: Arc<Table>,
    query: Arc<Compiled>,
    /// The id always comes along: without it nobody knows which record an event is about.
    pub(crate) mask: ReadMask,
}

impl CompiledSubscription {
    pub(crate) fn compile(served: &Arc<Served>, subscription: &Arc<Subscription>) -> Result<Self, Error> {
        let models = subscription.models.iter().enumerate().map(|(at, watched)| {
            let place = if subscription.is_many { format!("models[{at}]") } else { String::new() };
            compile_model(served, watched).map(Arc::new).map_err(|error| error.within(&place))
        });
        let models = models.collect::<Result<Vec<Arc<CompiledModel>>, Error>>()?;
        Ok(Self { origin: subscription.origin(), subscription: subscription.clone(), served: served.clone(), models })
    }

    /// The tables of the models, each with its topic in the log.
    pub(crate) fn table(&self, topic: &str) -> Option<&Arc<Table>> {
        self.models.iter().map(|model| &model.table).find(|table| table.model.full_name == topic)
    }

    /// What the followers see of a change; nothing if it does not matter to them.
    pub(crate) fn look(
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
        let token = context.log.token(self.origin.as_bytes(), at)?;
        let held = context.memory.hold(OVERHEAD)?;
        let seen = seen(self, model, event, decoded, (before, after), token);
        let event = WatchEvent { bytes: event.size(), memory: Some(context.memory.clone()), ..seen };
        Ok(Some(Delivery::new(at, event, Some(held))))
    }
}

impl CompiledModel {
    /// Whether a record matches: a failure of the expression is no match.
    fn matches(&self, served: &Served, record: &Record, budget: &Budget) -> Result<bool, Error> {
        if living::deletion(&self.table.model, record).is_some() {
            return Ok(false);
        }
        let Some(filter) = &self.query.filter else { return Ok(true) };
        let scope = Scope { catalog: &served.catalog, model: &self.table.model };
        Ok(filter.evaluate(scope, record, 0, &|_| None, budget)?.unwrap_or_default())
    }
}

/// The end of a watch whose filter takes too long. Other refusals stay as they are.
fn costly(error: Error, event: &Event) -> Error {
    if error.reason() != Reason::BudgetExceeded {
        return error;
    }
    let message = format!(
        "the filter takes more than {MAX_STEPS} steps for the {} {:?}; use fewer nested `all` and `exists`, or watch with a \
         simpler filter and compare what comes",
        event.topic, event.key
    );
    Error::new(Reason::BudgetExceeded, message).with("limit", MAX_STEPS.to_string())
}

fn compile_model(served: &Arc<Served>, watched: &SubscribedModel) -> Result<CompiledModel, Error> {
    let table = served.named(&watched.model, "model")?.clone();
    let model = &table.model;
    let query = served.query(model, &watched.filter, "")?;
    if let Some(outside) = query.filter.as_ref().and_then(groundplan_expr::Filter::external_dependency) {
        return Err(not_alone(outside));
    }
    let mask = ReadMask::parse(&model.shapes, model.shape, &watched.read_mask)?.with(&[model.roles.id]);
    Ok(CompiledModel { table, query, mask })
}

/// The refusal of a filter whose answer changes without a change of the record.
fn not_alone(outside: ExternalDependency) -> Error {
    let what = match outside {
        ExternalDependency::Relation => "a relation: watch the other model, too, with WatchMany",
        ExternalDependency::Time => "`now`: compare with a time that you give",
        ExternalDependency::Search => "`search`: use contains, startsWith or matches",
    };
    let words = format!("a watch cannot filter by {what}");
    let violation =
        Violation { field: "filter".into(), description: format!("is not valid: {words}"), rule: "cel".into() };
    Error::new(Reason::FilterInvalid, format!("filter: {words}")).violating(violation)
}
