//! A subscription, compiled for a revision.

use super::{SubscribedModel, Subscription};
use crate::served::Served;
use crate::table::Table;
use groundplan_codec::mask::ReadMask;
use groundplan_error::{Error, Reason, Violation};
use groundplan_expr::ExternalDependency;
use groundplan_query::Compiled;
use groundplan_query::page_token::Origin;
use std::sync::Arc;

/// A subscription, compiled for one revision.
pub(crate) struct CompiledSubscription {
    pub(crate) subscription: Arc<Subscription>,
    pub(crate) served: Arc<Served>,
    /// In the order of the subscription's models.
    pub(crate) models: Vec<Arc<CompiledModel>>,
    pub(crate) origin: Origin,
}

/// One model of a compiled subscription.
pub(crate) struct CompiledModel {
    pub(crate) table: Arc<Table>,
    pub(super) query: Arc<Compiled>,
    /// Always includes the id, so that the watcher knows which record an event is about.
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

    /// Returns the table of the model with a topic in the log.
    pub(crate) fn table(&self, topic: &str) -> Option<&Arc<Table>> {
        self.models.iter().map(|model| &model.table).find(|table| table.model.full_name == topic)
    }
}

fn compile_model(served: &Arc<Served>, watched: &SubscribedModel) -> Result<CompiledModel, Error> {
    let table = served.named(&watched.model, "model")?.clone();
    let model = &table.model;
    let query = served.query(model, &watched.filter, "")?;
    if let Some(outside) = query.filter.as_ref().and_then(groundplan_expr::Filter::external_dependency) {
        return Err(not_alone(outside));
    }
    let mask = ReadMask::parse(&model.shapes, model.shape, &watched.read_mask)?.with_fields(&[model.roles.id]);
    Ok(CompiledModel { table, query, mask })
}

/// Returns the error of a filter with a result that can change without a change of the record.
fn not_alone(outside: ExternalDependency) -> Error {
    let what = match outside {
        ExternalDependency::Relation => "a relation: watch the other model, too, with WatchMany",
        ExternalDependency::Time => "`now`: compare with a time that you give",
        ExternalDependency::Search => "`search`: use contains, startsWith or matches",
    };
    let words = format!("a watch cannot filter by {what}");
    let violation =
        Violation { field: "filter".into(), description: format!("is not valid: {words}"), rule: "cel".into() };
    Error::new(Reason::FilterInvalid, format!("filter: {words}")).with_violation(violation)
}
