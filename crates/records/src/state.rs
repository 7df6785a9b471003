//! The state that all requests share.

use crate::Settings;
use crate::changefeed::{self, Hub};
use crate::purge_lag::PurgeLag;
use crate::served::Served;
use crate::served_revisions::ServedRevisions;
use crate::store::request_ids;
use crate::store::secrets::secret_ensure;
use crate::table::Table;
use crate::table_sizes::TableSizes;
use crate::transfer_slots::Slots;
use diesel::QueryResult;
use diesel::result::Error as DieselError;
use groundplan_budget::Memory;
use groundplan_chassis::database::{Database, database_error};
use groundplan_chassis::keyed_mutex::KeyedMutex;
use groundplan_error::Error;
use groundplan_eventlog::Log;
use groundplan_model::catalog::Model;
use groundplan_query::StatementCachePolicy;
use groundplan_query::page_token::PageTokens;
use std::sync::{Arc, Weak};
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

/// A handle to the service's state.
#[derive(Clone)]
pub(crate) struct Records(Arc<State>);

/// A handle that does not keep the state alive.
#[derive(Clone)]
pub(crate) struct WeakRecords(Weak<State>);

impl WeakRecords {
    /// Returns the state if it still exists.
    pub(crate) fn upgrade(&self) -> Option<Records> {
        self.0.upgrade().map(Records)
    }
}

struct State {
    database: Database,
    settings: Settings,
    /// The memory that all calls of the process share.
    memory: Memory,
    page_tokens: PageTokens,
    statement_cache: StatementCachePolicy,
    sizes: TableSizes,
    log: Log,
    hub: Arc<Hub>,
    /// Wakes the maintenance of the partitions of request ids.
    period_missing: Notify,
    transfers: Slots,
    /// The permits of transactions that evaluate expressions: at most half of the pool.
    evaluating: Semaphore,
    /// Serializes calls with the same request id.
    requests: KeyedMutex<request_ids::OwnedKey>,
    purge_lag: Arc<PurgeLag>,
    /// Stops long-running work.
    stop: CancellationToken,
    revisions: Arc<ServedRevisions>,
}

impl Records {
    /// Opens the service on a migrated database. It serves no revision yet.
    pub(crate) async fn open(
        database: Database,
        settings: Settings,
        memory: Memory,
        stop: CancellationToken,
    ) -> Result<Self, Error> {
        let mut lease = database.lease().await?;
        let key = lease.run(async |conn| secret_ensure(conn, "page tokens").await).await.map_err(database_error)?;
        drop(lease);
        let page_tokens = PageTokens::new(&key, settings.page_token_lifetime)?;
        request_ids::partitioned(settings.request_id_retention).prepare(&database).await?;
        let log = Log::open(
            database.clone(),
            groundplan_eventlog::Settings { retention: settings.log_retention, ..Default::default() },
        )
        .await?;
        let revisions = Arc::<ServedRevisions>::default();
        let hub = Hub::new(changefeed::Context {
            database: database.clone(),
            log: log.clone(),
            memory: memory.clone(),
            revisions: revisions.clone(),
            max_watches: settings.max_watches,
            buffer_bytes: settings.watch_buffer_bytes,
            stop: stop.clone(),
        });
        let evaluating = Semaphore::new((database.connections() / 2).max(1));
        Ok(Self(Arc::new(State {
            database,
            settings,
            memory,
            page_tokens,
            statement_cache: StatementCachePolicy::default(),
            sizes: TableSizes::default(),
            log,
            hub,
            period_missing: Notify::new(),
            transfers: Slots::default(),
            evaluating,
            requests: KeyedMutex::default(),
            purge_lag: Arc::default(),
            stop,
            revisions,
        })))
    }

    /// Notifies the event log of the outcome of a statement that appends to it.
    pub(crate) fn written(&self, outcome: &QueryResult<usize>) {
        match outcome {
            Ok(0) => {}
            Ok(_) => self.0.log.appended(),
            Err(error) => self.failed(error),
        }
    }

    /// Notifies the event log of the failure of a transaction that appends to it.
    pub(crate) fn failed(&self, error: &DieselError) {
        if groundplan_eventlog::is_partition_missing(error) {
            self.0.log.partition_missing();
        }
    }

    /// Starts the maintenance of the partitions of request ids, because a call found none.
    pub(crate) fn period_missing(&self) {
        self.0.period_missing.notify_one();
    }

    /// Waits until a call finds no partition for its request id.
    pub(crate) async fn until_period_missing(&self) {
        self.0.period_missing.notified().await;
    }

    /// Returns the number of the served revision; 0 if none is served.
    pub(crate) fn revision(&self) -> i64 {
        self.0.revisions.number()
    }

    /// Returns a handle that does not keep the state alive.
    pub(crate) fn downgrade(&self) -> WeakRecords {
        WeakRecords(Arc::downgrade(&self.0))
    }

    pub(crate) fn log(&self) -> &Log {
        &self.0.log
    }

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.0.hub
    }

    /// Returns the slots for imports and exports.
    pub(crate) fn transfers(&self) -> &Slots {
        &self.0.transfers
    }

    /// Returns the permits of transactions that evaluate expressions.
    pub(crate) fn evaluating(&self) -> &Semaphore {
        &self.0.evaluating
    }

    /// Returns the mutex of calls with the same request id. Calls of other processes wait in the database.
    pub(crate) fn requests(&self) -> &KeyedMutex<request_ids::OwnedKey> {
        &self.0.requests
    }

    /// Returns how long records wait to be purged.
    pub(crate) fn purge_lag(&self) -> &Arc<PurgeLag> {
        &self.0.purge_lag
    }

    pub(crate) fn stop(&self) -> &CancellationToken {
        &self.0.stop
    }

    /// Serves a revision from now on. Requests in progress keep the one they started with.
    pub(crate) fn serve(&self, served: Served) {
        self.0.revisions.serve(served);
    }

    /// Returns the served revision.
    pub(crate) fn served(&self) -> Result<Arc<Served>, Error> {
        self.0.revisions.served()
    }

    pub(crate) fn database(&self) -> &Database {
        &self.0.database
    }

    /// Returns the memory that all calls of the process share.
    pub(crate) fn memory(&self) -> &Memory {
        &self.0.memory
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Returns which statements are kept prepared.
    pub(crate) fn statement_cache(&self) -> &StatementCachePolicy {
        &self.0.statement_cache
    }

    /// Returns the cache of table sizes.
    pub(crate) fn sizes(&self) -> &TableSizes {
        &self.0.sizes
    }

    pub(crate) fn page_tokens(&self) -> &PageTokens {
        &self.0.page_tokens
    }

    /// Returns a model's revision and table.
    pub(crate) fn serving(&self, model: &Arc<Model>) -> Result<(Arc<Served>, Arc<Table>), Error> {
        self.0.revisions.serving(model)
    }
}
