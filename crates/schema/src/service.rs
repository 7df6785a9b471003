//! The shared state of the service's methods.

use crate::compiler_queue::CompilerQueue;
use crate::rules_cache::ValidatedRulesCache;
use crate::{Dependencies, Settings};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Database, database_error};
use groundplan_error::Error;
use groundplan_eventlog::Log;
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The service. Clones share their state.
#[derive(Clone)]
pub(crate) struct Schema {
    pub(crate) database: Database,
    pub(crate) settings: Settings,
    pub(crate) stop: CancellationToken,
    /// The event log of revisions.
    pub(crate) log: Log,
    /// Notifies applies that a follower reported to this process.
    pub(crate) reported: Arc<watch::Sender<()>>,
    /// The running applies, which outlive the calls that started them.
    pub(crate) rollouts: TaskTracker,
    pub(crate) compiler_queue: CompilerQueue,
    /// The uploads whose rules are valid.
    pub(crate) rules: Arc<ValidatedRulesCache>,
}

impl Schema {
    /// Opens the service with a migrated database.
    pub(crate) async fn open(dependencies: Dependencies) -> Result<Self, Error> {
        let Dependencies { database, settings, stop } = dependencies;
        Ok(Self {
            log: Log::open(database.clone(), groundplan_eventlog::Settings::default()).await?,
            database,
            settings,
            stop,
            reported: Arc::new(watch::channel(()).0),
            rollouts: TaskTracker::new(),
            compiler_queue: CompilerQueue::default(),
            rules: Arc::default(),
        })
    }

    /// Runs queries on a pooled connection.
    pub(crate) async fn query<R>(
        &self,
        work: impl AsyncFnOnce(&mut AsyncPgConnection) -> QueryResult<R>,
    ) -> Result<R, Error> {
        self.database.lease().await?.run(work).await.map_err(database_error)
    }

    /// Runs a transaction that changes revisions on a pooled connection, and notifies followers.
    pub(crate) async fn change<R>(
        &self,
        work: impl AsyncFnOnce(&mut AsyncPgConnection) -> QueryResult<R>,
    ) -> Result<QueryResult<R>, Error> {
        let outcome = self.database.lease().await?.run(work).await;
        match &outcome {
            Ok(_) => self.log.appended(),
            Err(error) if groundplan_eventlog::is_partition_missing(error) => self.log.partition_missing(),
            Err(_) => {}
        }
        Ok(outcome)
    }
}
