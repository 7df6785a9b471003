//! A subject, compiled for a revision: what of a change its followers see.

use super::event::{Delivery, seen};
use super::{Subject, Watched};
use crate::change::Change;
use crate::living;
use crate::page_token::Origin;
use crate::query::Compiled;
use crate::served::Served;
use crate::table::Table;
use groundplan_codec::Record;
use groundplan_codec::mask::ReadMask;
use groundplan_error::{Error, Reason, Violation};
use groundplan_eventlog::{Event, Log};
use groundplan_expr::{Outside, Scope};
use std::sync::Arc;

/// A subject, compiled for one revision.
pub(crate) struct Lens {
    pub(super) subject: Arc<Subject>,
    pub(super) served: Arc<Served>,
    /// In the order of the subject's.
    pub(super) models: Vec<LensModel>,
    pub(super) origin: Origin,
}

/// One model of a lens.
pub(super) struct LensModel {
    pub(super) table: Arc<Table>,
    compiled: Arc<Compiled>,
    /// The id always comes along: without it nobody knows which record an event is about.
    pub(super) mask: ReadMask,
}

impl Lens {
    pub(crate) fn compile(served: &Arc<Served>, subject: &Arc<Subject>) -> Result<Self, Error> {
        let models = subject.models.iter().enumerate().map(|(at, watched)| {
            let place = if subject.is_many { format!("models[{at}]") } else { String::new() };
            compile_model(served, watched).map_err(|error| error.within(&place))
        });
        let models = models.collect::<Result<Vec<LensModel>, Error>>()?;
        Ok(Self { origin: subject.origin(), subject: subject.clone(), served: served.clone(), models })
    }

    /// The tables of the models, each with its topic in the log.
    pub(super) fn table(&self, topic: &str) -> Option<&Arc<Table>> {
        self.model(topic).map(|model| &model.table)
    }

    pub(super) fn model(&self, topic: &str) -> Option<&LensModel> {
        self.models.iter().find(|model| model.table.model.full_name == topic)
    }

    /// What the followers see of a change; nothing if it does not matter to them.
    pub(super) fn look(&self, log: &Log, event: &Event, change: &Change) -> Result<Option<Delivery>, Error> {
        let Some(model) = self.model(&event.topic) else { return Ok(None) };
        let matches =
            |record: &Option<Record>| record.as_ref().is_some_and(|record| model.matches(&self.served, record));
        match (matches(&change.before), matches(&change.after)) {
            (false, false) => Ok(None),
            (before, after) => {
                let token = log.token(self.origin.as_bytes(), event.at)?;
                Ok(Some(seen(model, self.subject.with_previous, event, change, (before, after), token)))
            }
        }
    }
}

impl LensModel {
    /// Whether a record matches: an error is no match.
    fn matches(&self, served: &Served, record: &Record) -> bool {
        if living::deletion(&self.table.model, record).is_some() {
            return false;
        }
        let Some(filter) = &self.compiled.filter else { return true };
        let scope = Scope { catalog: &served.catalog, model: &self.table.model };
        filter.evaluate(scope, record, 0, &|_| None).unwrap_or_default()
    }
}

fn compile_model(served: &Arc<Served>, watched: &Watched) -> Result<LensModel, Error> {
    let table = served.named(&watched.model, "model")?.clone();
    let model = &table.model;
    let compiled = served.query(model, &watched.filter, "")?;
    if let Some(outside) = compiled.filter.as_ref().and_then(groundplan_expr::Filter::outside) {
        return Err(not_alone(outside));
    }
    let mask = ReadMask::parse(&model.shapes, model.shape, &watched.read_mask)?.with(&[model.roles.id]);
    Ok(LensModel { table, compiled, mask })
}

/// The refusal of a filter whose answer changes without a change of the record.
fn not_alone(outside: Outside) -> Error {
    let what = match outside {
        Outside::Relation => "a relation: watch the other model, too, with WatchMany",
        Outside::Time => "`now`: compare with a time that you give",
        Outside::Search => "`search`: use contains, startsWith or matches",
    };
    let words = format!("a watch cannot filter by {what}");
    let violation =
        Violation { field: "filter".into(), description: format!("is not valid: {words}"), rule: "cel".into() };
    Error::new(Reason::FilterInvalid, format!("filter: {words}")).violating(violation)
}
