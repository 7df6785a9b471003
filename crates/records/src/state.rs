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

/// The service's state; a handle to it.
#[derive(Clone)]
pub(crate) struct Records(Arc<State>);

/// A handle that does not keep the state.
#[derive(Clone)]
pub(crate) struct WeakRecords(Weak<State>);

impl WeakRecords {
    /// The state, while somebody keeps it.
    pub(crate) fn upgrade(&self) -> Option<Records> {
        self.0.upgrade().map(Records)
    }
}

struct State {
    database: Database,
    settings: Settings,
    /// What all calls of the process may hold together.
    memory: Memory,
    page_tokens: PageTokens,
    statement_cache: StatementCachePolicy,
    sizes: TableSizes,
    log: Log,
    hub: Arc<Hub>,
    /// Wakes who looks after the partitions of request ids.
    period_missing: Notify,
    transfers: Slots,
    /// Transactions that evaluate expressions: half of the pool at most.
    evaluating: Semaphore,
    /// Of calls with the same request id.
    requests: KeyedMutex<request_ids::OwnedKey>,
    purge_lag: Arc<PurgeLag>,
    /// Ends what goes on for long.
    stop: CancellationToken,
    revisions: Arc<ServedRevisions>,
}

impl Records {
    /// Opens the service on a migrated database. It serves nothing yet.
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

    /// Notes how a statement has ended that appends to the event log.
    pub(crate) fn written(&self, outcome: &QueryResult<usize>) {
        match outcome {
            Ok(0) => {}
            Ok(_) => self.0.log.appended(),
            Err(error) => self.failed(error),
        }
    }

    /// Notes the failure of a transaction that appends to the event log.
    pub(crate) fn failed(&self, error: &DieselError) {
        if groundplan_eventlog::is_partition_missing(error) {
            self.0.log.partition_missing();
        }
    }

    /// Has the partitions of request ids looked after now: a call found none for it.
    pub(crate) fn period_missing(&self) {
        self.0.period_missing.notify_one();
    }

    /// Until a call finds no partition for its request id.
    pub(crate) async fn until_period_missing(&self) {
        self.0.period_missing.notified().await;
    }

    /// The number of the served revision; 0: none is served.
    pub(crate) fn revision(&self) -> i64 {
        self.0.revisions.number()
    }

    /// The service, for those who must not keep it.
    pub(crate) fn downgrade(&self) -> WeakRecords {
        WeakRecords(Arc::downgrade(&self.0))
    }

    pub(crate) fn log(&self) -> &Log {
        &self.0.log
    }

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.0.hub
    }

    /// The places for imports and exports.
    pub(crate) fn transfers(&self) -> &Slots {
        &self.0.transfers
    }

    /// The places of transactions that evaluate expressions.
    pub(crate) fn evaluating(&self) -> &Semaphore {
        &self.0.evaluating
    }

    /// The turns of calls with the same request id: those of other processes wait in the database.
    pub(crate) fn requests(&self) -> &KeyedMutex<request_ids::OwnedKey> {
        &self.0.requests
    }

    /// How long records wait to be purged.
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

    /// The served revision.
    pub(crate) fn served(&self) -> Result<Arc<Served>, Error> {
        self.0.revisions.served()
    }

    pub(crate) fn database(&self) -> &Database {
        &self.0.database
    }

    /// What all calls of the process may hold together.
    pub(crate) fn memory(&self) -> &Memory {
        &self.0.memory
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Which statements are kept prepared.
    pub(crate) fn statement_cache(&self) -> &StatementCachePolicy {
        &self.0.statement_cache
    }

    /// How large tables are.
    pub(crate) fn sizes(&self) -> &TableSizes {
        &self.0.sizes
    }

    pub(crate) fn page_tokens(&self) -> &PageTokens {
        &self.0.page_tokens
    }

    /// The revision that a model belongs to, and the model's table.
    pub(crate) fn serving(&self, model: &Arc<Model>) -> Result<(Arc<Served>, Arc<Table>), Error> {
        self.0.revisions.serving(model)
    }
}
