//! The served revision, and those that were served before it.

use crate::served::Served;
use crate::table::Table;
use arc_swap::ArcSwap;
use groundplan_error::{Error, Reason};
use groundplan_model::catalog::Model;
use std::sync::Arc;
use std::time::Duration;

/// The number of earlier revisions to keep, for REST requests that started with them.
const KEPT_REVISIONS: usize = 3;

/// When callers can retry after `NOT_READY`.
const NOT_READY_RETRY: Duration = Duration::from_secs(1);

/// The revisions of a process, the served one first. Empty until the first one is served.
#[derive(Default)]
pub(crate) struct ServedRevisions(ArcSwap<Vec<Arc<Served>>>);

impl ServedRevisions {
    /// Serves a revision from now on. Requests in progress keep the one they started with.
    pub(crate) fn serve(&self, served: Served) {
        let mut revisions = vec![Arc::new(served)];
        revisions.extend(self.0.load().iter().take(KEPT_REVISIONS).cloned());
        self.0.store(Arc::new(revisions));
    }

    /// Returns the served revision.
    ///
    /// # Errors
    /// `NOT_READY` before the first one is served.
    pub(crate) fn served(&self) -> Result<Arc<Served>, Error> {
        self.0.load().first().cloned().ok_or_else(not_ready)
    }

    /// Returns the number of the served revision; 0 if none is served.
    pub(crate) fn number(&self) -> i64 {
        self.0.load().first().map_or(0, |served| served.revision())
    }

    /// Returns a model's revision and table, of the served revision or an earlier one.
    ///
    /// # Errors
    /// `NOT_READY` if the model's revision is no longer known.
    pub(crate) fn serving(&self, model: &Arc<Model>) -> Result<(Arc<Served>, Arc<Table>), Error> {
        let revisions = self.0.load();
        let serving = revisions.iter().find_map(|served| Some((served.clone(), served.table(model)?.clone())));
        serving.ok_or_else(|| {
            Error::new(Reason::NotReady, "the models have changed several times during the call; try again")
                .retry_after(NOT_READY_RETRY)
        })
    }
}

/// Returns the error for calls before the first revision is served.
fn not_ready() -> Error {
    Error::new(Reason::NotReady, "the server is starting and does not know the live revision yet; try again")
        .retry_after(NOT_READY_RETRY)
        .not_started()
}
