//! The dependencies of the changefeed.

use crate::served_revisions::ServedRevisions;
use groundplan_budget::Memory;
use groundplan_chassis::database::Database;
use groundplan_eventlog::Log;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The parts of the service that the changefeed uses, and its limits.
pub(crate) struct Context {
    pub(crate) database: Database,
    pub(crate) log: Log,
    pub(crate) memory: Memory,
    pub(crate) revisions: Arc<ServedRevisions>,
    /// The maximum number of watches of the process.
    pub(crate) max_watches: usize,
    /// The maximum size of the events that wait for one watcher, in bytes.
    pub(crate) buffer_bytes: usize,
    /// Cancelled when the server stops.
    pub(crate) stop: CancellationToken,
}
