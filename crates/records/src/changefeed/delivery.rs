//! An event in the buffers of watchers.

use groundplan_budget::Held;
use groundplan_eventlog::ResumePoint;
use groundplan_operations::WatchEvent;
use std::sync::Arc;

/// An event for the watchers of a group.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    /// The position in the log.
    pub(crate) at: ResumePoint,
    pub(crate) event: Arc<WatchEvent>,
    /// The memory of the event, without the change that all watches share.
    _held: Option<Arc<Held>>,
}

impl Delivery {
    pub(crate) fn new(at: ResumePoint, event: WatchEvent, held: Option<Held>) -> Self {
        Self { at, event: Arc::new(event), _held: held.map(Arc::new) }
    }
}
