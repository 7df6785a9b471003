//! The state that the service's calls share.

use crate::heads::Poller;
use crate::rules::RightRules;
use crate::store::revisions::{self, Heads};
use crate::{Dependencies, Settings};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Database, refusal};
use groundplan_error::Error;
use std::sync::Arc;
use tokio::sync::{Notify, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How many uploads are compiled at once; others wait. Compiling takes memory in proportion to the upload.
const COMPILING_AT_ONCE: usize = 2;

/// The service. Clones share everything.
#[derive(Clone)]
pub(crate) struct Schema {
    pub(crate) database: Database,
    pub(crate) settings: Settings,
    pub(crate) stop: CancellationToken,
    /// The newest revisions, as the poller last saw them. Closed once it has ended.
    pub(crate) heads: watch::Receiver<Heads>,
    /// Wakes the poller: this process has changed a revision.
    pub(crate) changed: Arc<Notify>,
    /// Wakes the applies: a follower has reported to this process.
    pub(crate) reported: Arc<watch::Sender<()>>,
    /// The applies, which outlive the calls that began them.
    pub(crate) rollouts: TaskTracker,
    pub(crate) compiling: Arc<Semaphore>,
    /// The uploads whose rules are right.
    pub(crate) rules: Arc<RightRules>,
}

impl Schema {
    /// Reads the newest revisions, and gives the service with the poller that keeps them, and whether it does.
    pub(crate) async fn start(dependencies: Dependencies) -> Result<(Self, Poller, watch::Receiver<bool>), Error> {
        let Dependencies { database, settings, stop } = dependencies;
        let newest = database.lease().await?.run(async |connection| revisions::heads(connection).await).await;
        let (heads_sender, heads) = watch::channel(newest.map_err(refusal)?);
        let (ready_sender, ready) = watch::channel(true);
        let changed = Arc::new(Notify::new());
        let poller = Poller {
            database: database.clone(),
            heads: heads_sender,
            ready: ready_sender,
            changed: Arc::clone(&changed),
            interval: settings.poll_interval,
            stop: stop.clone(),
        };
        let schema = Self {
            database,
            settings,
            stop,
            heads,
            changed,
            reported: Arc::new(watch::channel(()).0),
            rollouts: TaskTracker::new(),
            compiling: Arc::new(Semaphore::new(COMPILING_AT_ONCE)),
            rules: Arc::default(),
        };
        Ok((schema, poller, ready))
    }

    /// Runs queries on a connection of its own.
    pub(crate) async fn query<R>(
        &self,
        work: impl AsyncFnOnce(&mut AsyncPgConnection) -> QueryResult<R>,
    ) -> Result<R, Error> {
        self.database.lease().await?.run(work).await.map_err(refusal)
    }
}
