//! The state that all requests share.

use crate::Settings;
use crate::page_token::PageTokens;
use crate::purge_lag::Lag;
use crate::query::Shapes;
use crate::served::Served;
use crate::store::request_ids;
use crate::store::secrets::secret_ensure;
use crate::table::Table;
use crate::table_sizes::Sizes;
use crate::transfer_slots::Slots;
use crate::watch::Hub;
use arc_swap::ArcSwap;
use diesel::QueryResult;
use diesel::result::Error as DieselError;
use groundplan_budget::Memory;
use groundplan_chassis::database::{Database, database_error};
use groundplan_chassis::keyed_mutex::KeyedMutex;
use groundplan_error::{Error, Reason};
use groundplan_eventlog::Log;
use groundplan_model::catalog::Model;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

/// How many revisions before the served one stay known, for REST requests that began with them.
const KEPT_REVISIONS: usize = 3;

/// When a caller may try again who came too early.
const NOT_READY_RETRY: Duration = Duration::from_secs(1);

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
    shapes: Shapes,
    sizes: Sizes,
    log: Log,
    hub: Hub,
    /// Wakes who looks after the partitions of request ids.
    period_missing: Notify,
    transfers: Slots,
    /// Transactions that evaluate expressions: half of the pool at most.
    evaluating: Semaphore,
    /// Of calls with the same request id.
    requests: KeyedMutex<request_ids::OwnedKey>,
    purge_lag: Arc<Lag>,
    /// Ends what goes on for long.
    stop: CancellationToken,
    /// The served revision first, then those before it; empty until the first catalog question is settled.
    served: ArcSwap<Vec<Arc<Served>>>,
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
        let evaluating = Semaphore::new((database.connections() / 2).max(1));
        Ok(Self(Arc::new(State {
            database,
            settings,
            memory,
            page_tokens,
            shapes: Shapes::default(),
            sizes: Sizes::default(),
            log,
            hub: Hub::default(),
            period_missing: Notify::new(),
            transfers: Slots::default(),
            evaluating,
            requests: KeyedMutex::default(),
            purge_lag: Arc::default(),
            stop,
            served: ArcSwap::default(),
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
        self.0.served.load().first().map_or(0, |served| served.revision())
    }

    /// The service, for those who must not keep it.
    pub(crate) fn downgrade(&self) -> WeakRecords {
        WeakRecords(Arc::downgrade(&self.0))
    }

    pub(crate) fn log(&self) -> &Log {
        &self.0.log
    }

    pub(crate) fn hub(&self) -> &Hub {
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
    pub(crate) fn purge_lag(&self) -> &Arc<Lag> {
        &self.0.purge_lag
    }

    pub(crate) fn stop(&self) -> &CancellationToken {
        &self.0.stop
    }

    /// Serves a revision from now on. Requests that have begun go on with what they have.
    pub(crate) fn serve(&self, served: Served) {
        let mut line = vec![Arc::new(served)];
        line.extend(self.0.served.load().iter().take(KEPT_REVISIONS).cloned());
        self.0.served.store(Arc::new(line));
    }

    /// The served revision.
    pub(crate) fn served(&self) -> Result<Arc<Served>, Error> {
        self.0.served.load().first().cloned().ok_or_else(not_ready)
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
    pub(crate) fn shapes(&self) -> &Shapes {
        &self.0.shapes
    }

    /// How large tables are.
    pub(crate) fn sizes(&self) -> &Sizes {
        &self.0.sizes
    }

    pub(crate) fn page_tokens(&self) -> &PageTokens {
        &self.0.page_tokens
    }

    /// What serves a model of the served revision, or of one of those before it.
    pub(crate) fn serving(&self, model: &Arc<Model>) -> Result<(Arc<Served>, Arc<Table>), Error> {
        let line = self.0.served.load();
        let found = line.iter().find_map(|served| Some((served.clone(), served.table(model)?.clone())));
        found.ok_or_else(|| {
            Error::new(Reason::NotReady, "the models have changed several times during the call; try again")
                .retry_after(NOT_READY_RETRY)
        })
    }
}

/// The refusal while nothing is known of what is to be served.
fn not_ready() -> Error {
    Error::new(Reason::NotReady, "the server is starting and does not know the live revision yet; try again")
        .retry_after(NOT_READY_RETRY)
        .untouched()
}
