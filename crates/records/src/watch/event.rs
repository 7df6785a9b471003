//! The events of a watch.

use super::lens::LensModel;
use crate::change::Change;
use crate::living;
use crate::operations::show;
use groundplan_codec::Record;
use groundplan_eventlog::{Cursor, Event};
use groundplan_proto::watch::v1::{EventKind, Removal};
use groundplan_rest::WatchEvent;
use std::sync::Arc;

/// An event on its way to the followers of a group.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    /// Where it is in the log.
    pub(super) at: Cursor,
    pub(super) event: Arc<WatchEvent>,
    /// About how many bytes it takes.
    pub(super) bytes: usize,
}

/// What followers see of a change, by whether the record matched before and does now.
pub(super) fn seen(
    model: &LensModel,
    with_previous: bool,
    event: &Event,
    change: &Change,
    (before, after): (bool, bool),
    token: String,
) -> Delivery {
    let (kind, removal) = match (before, after) {
        (false, _) => (EventKind::Created, Removal::Unspecified),
        (true, true) => (EventKind::Updated, Removal::Unspecified),
        (true, false) if change.after.is_none() => (EventKind::Removed, Removal::Deleted),
        (true, false) if is_deletion(model, change) => (EventKind::Removed, Removal::Deleted),
        (true, false) => (EventKind::Removed, Removal::NoMatch),
    };
    let is_update = kind == EventKind::Updated;
    // One that has left is shown as it was when it matched.
    let last = if kind == EventKind::Removed { change.before.as_ref() } else { change.after.as_ref() };
    let shown = |record: &Record, version| shown(model, record, version);
    let last_version =
        if kind == EventKind::Removed && change.after.is_some() { change.version - 1 } else { change.version };
    let event_of = WatchEvent {
        kind,
        model: Some(model.table.model.clone()),
        record: last.map(|record| shown(record, last_version)),
        previous: change
            .before
            .as_ref()
            .filter(|_| is_update && with_previous)
            .map(|record| shown(record, change.version - 1)),
        changed_fields: if is_update { change.changed_names(&model.table.model) } else { Vec::new() },
        removal,
        token,
        transaction: event.at.position.to_string(),
        time: Some(change.time),
        ..WatchEvent::default()
    };
    Delivery { at: event.at, event: Arc::new(event_of), bytes: event.size() }
}

/// Whether a change was a soft deletion.
fn is_deletion(model: &LensModel, change: &Change) -> bool {
    change.after.as_ref().is_some_and(|after| living::deletion(&model.table.model, after).is_some())
}

/// A record as followers may see it.
pub(super) fn shown(model: &LensModel, record: &Record, version: i64) -> Record {
    let mut shown = show(&model.table, record.clone(), version).record;
    let of_model = &model.table.model;
    model.mask.apply(&of_model.shapes, of_model.shape, &mut shown);
    shown
}

/// An event that is no change.
pub(super) fn mark(kind: EventKind, token: String) -> Arc<WatchEvent> {
    Arc::new(WatchEvent { kind, token, ..WatchEvent::default() })
}
