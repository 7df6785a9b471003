//! The events of a watch.

use super::compiled_subscription::{CompiledModel, CompiledSubscription};
use super::decoded::Decoded;
use crate::change::Change;
use groundplan_query::visibility;

use groundplan_codec::Record;
use groundplan_eventlog::Event;
use groundplan_operations::{LazyRecord, WatchEvent};
use groundplan_proto::watch::v1::{EventKind, Removal};
use std::sync::Arc;

/// Whether a record matched the subscription before a change, and whether it matches after it.
#[derive(Clone, Copy)]
pub(crate) struct Matches {
    pub(crate) before: bool,
    pub(crate) after: bool,
}

/// Returns the event of a change, depending on whether the record matched before it and matches after it.
pub(crate) fn seen(
    compiled: &CompiledSubscription,
    model: &Arc<CompiledModel>,
    event: &Event,
    decoded: &Arc<Decoded>,
    Matches { before, after }: Matches,
    token: String,
) -> WatchEvent {
    let change = &decoded.change;
    let (kind, removal) = match (before, after) {
        (false, _) => (EventKind::Created, Removal::Unspecified),
        (true, true) => (EventKind::Updated, Removal::Unspecified),
        (true, false) if change.after.is_none() => (EventKind::Removed, Removal::Deleted),
        (true, false) if is_deletion(model, change) => (EventKind::Removed, Removal::Deleted),
        (true, false) => (EventKind::Removed, Removal::NoMatch),
    };
    let is_update = kind == EventKind::Updated;
    let last_version =
        if kind == EventKind::Removed && change.after.is_some() { change.version - 1 } else { change.version };
    // A record that no longer matches is shown as it was when it matched.
    let last = if kind == EventKind::Removed { Side::Before } else { Side::After };
    let with_previous = is_update && compiled.subscription.with_previous;
    WatchEvent {
        kind,
        model: Some(model.table.model.clone()),
        record: last.of(change).map(|_| lazy(model, decoded, last, last_version)),
        previous: Side::Before
            .of(change)
            .filter(|_| with_previous)
            .map(|_| lazy(model, decoded, Side::Before, change.version - 1)),
        changed_fields: if is_update { change.changed_names(&model.table.model) } else { Vec::new() },
        removal,
        token,
        transaction: event.at.position.to_string(),
        time: Some(change.time),
        ..WatchEvent::default()
    }
}

/// The record before or after a change.
#[derive(Clone, Copy)]
enum Side {
    Before,
    After,
}

impl Side {
    fn of(self, change: &Change) -> Option<&Record> {
        match self {
            Self::Before => change.before.as_ref(),
            Self::After => change.after.as_ref(),
        }
    }
}

/// Returns one record of a change. The mask is applied when the record is encoded.
fn lazy(model: &Arc<CompiledModel>, decoded: &Arc<Decoded>, side: Side, version: i64) -> LazyRecord {
    let (model, decoded) = (model.clone(), decoded.clone());
    LazyRecord::new(move || {
        let record = side.of(&decoded.change).cloned();
        record.map_or_else(|| Record::new(model.table.model.shape()), |record| shown(&model, record, version))
    })
}

/// Reports whether a change was a soft delete.
fn is_deletion(model: &CompiledModel, change: &Change) -> bool {
    change.after.as_ref().is_some_and(|after| visibility::deleted_at(&model.table.model, after).is_some())
}

/// Returns a record as watchers see it.
pub(crate) fn shown(model: &CompiledModel, record: Record, version: i64) -> Record {
    let mut shown = model.table.show(record, version).record;
    let of_model = &model.table.model;
    model.mask.apply(&of_model.shapes, of_model.shape, &mut shown);
    shown
}

/// Returns an event without a change.
pub(crate) fn mark(kind: EventKind, token: String) -> Arc<WatchEvent> {
    Arc::new(WatchEvent { kind, token, ..WatchEvent::default() })
}
