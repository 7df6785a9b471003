//! The state that all requests share, and REST's way to the operations.

use crate::operations::{self, Call, Place};
use crate::page_token::PageTokens;
use crate::purge::lag::{self, Lag};
use crate::query::Shapes;
use crate::scan::Sizes;
use crate::served::Served;
use crate::store::request_ids;
use crate::store::secrets::secret_ensure;
use crate::transfer::Slots;
use crate::watch::{Begin, Hub, Subject, watch};
use crate::{Settings, history};
use arc_swap::ArcSwap;
use diesel::QueryResult;
use diesel::result::Error as DieselError;
use groundplan_budget::Memory;
use groundplan_chassis::caller::Caller;
use groundplan_chassis::database::{Always, Database, refusal};
use groundplan_chassis::turns::Turns;
use groundplan_codec::Stored;
use groundplan_error::{Error, Reason};
use groundplan_eventlog::Log;
use groundplan_model::catalog::{Catalog, Model};
use groundplan_proto::query::v1::{AggregateResponse, Explanation};
use groundplan_rest::{
    AggregateQuery, Backend, HistoryPage, HistoryQuery, Included, ListQuery, Page, View, WatchQuery, WatchStream,
    Writes, Written,
};
use opentelemetry::global::meter;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How many revisions before the served one stay known, for REST requests that began with them.
const KEPT_REVISIONS: usize = 3;

/// When a caller may try again who came too early.
const NOT_READY_RETRY: Duration = Duration::from_secs(1);

/// The service's state; a handle to it.
#[derive(Clone)]
pub(crate) struct Records(Arc<State>);

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
    requests: Turns<request_ids::OwnedKey>,
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
        let key = lease.run(async |conn| secret_ensure(conn, "page tokens").await).await.map_err(refusal)?;
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
            requests: Turns::default(),
            purge_lag: Arc::default(),
            stop,
            served: ArcSwap::default(),
        })))
    }

    /// Adds the tasks that follow the event log.
    pub(crate) fn spawn(&self, tasks: &mut JoinSet<()>) {
        self.0.log.spawn(tasks, &self.0.stop);
        lag::observe(&self.0.purge_lag);
        self.observe();
        let records = self.clone();
        tasks.spawn(async move {
            records.0.stop.run_until_cancelled(records.0.hub.run(&records)).await.unwrap_or_default();
        });
        let records = self.clone();
        tasks.spawn(async move {
            records.0.stop.run_until_cancelled(records.keep_request_ids()).await.unwrap_or_default();
        });
        let records = self.clone();
        tasks.spawn(async move {
            records.0.stop.run_until_cancelled(crate::purge::run(&records)).await.unwrap_or_default();
        });
        let records = self.clone();
        tasks.spawn(async move {
            records.0.stop.run_until_cancelled(history::run(&records)).await.unwrap_or_default();
        });
    }

    /// Registers the metrics of what is served. They end with the process.
    fn observe(&self) {
        let (meter, state) = (meter("groundplan"), Arc::downgrade(&self.0));
        let revision = state.clone();
        meter
            .i64_observable_gauge("groundplan.revision")
            .with_description("The revision of the models that is served; 0: none")
            .with_callback(move |gauge| {
                let Some(state) = revision.upgrade() else { return };
                gauge.observe(state.served.load().first().map_or(0, |served| served.revision()), &[]);
            })
            .build();
        meter
            .u64_observable_gauge("groundplan.watches.open")
            .with_description("Followers that are served")
            .with_callback(move |gauge| {
                let Some(state) = state.upgrade() else { return };
                gauge.observe(state.hub.followers() as u64, &[]);
            })
            .build();
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

    /// Keeps the partitions of request ids.
    async fn keep_request_ids(&self) {
        let retention = self.settings().request_id_retention;
        let pause = (retention / 60).clamp(Duration::from_secs(10), Duration::from_secs(600));
        loop {
            if let Err(error) = request_ids::partitioned(retention).maintain(self.database(), &Always).await {
                tracing::warn!(
                    error = error.log_text(),
                    "the request ids' partitions cannot be looked after; trying again"
                );
            }
            tokio::select! {
                () = tokio::time::sleep(pause.mul_f64(rand::random::<f64>() / 2.0 + 0.75)) => {}
                () = self.0.period_missing.notified() => {}
            }
        }
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
    pub(crate) fn requests(&self) -> &Turns<request_ids::OwnedKey> {
        &self.0.requests
    }

    /// How long records wait to be purged.
    pub(crate) fn purge_lag(&self) -> &Lag {
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

    /// The call of a REST request, which knows its model but not the revision that it is of.
    fn call<'a>(&'a self, caller: &'a Caller, model: &Arc<Model>) -> Result<Call<'a>, Error> {
        let line = self.0.served.load();
        let found = line.iter().find_map(|served| Some((served.clone(), served.table(model)?.clone())));
        let (served, table) = found.ok_or_else(|| {
            Error::new(Reason::NotReady, "the models have changed several times during the call; try again")
                .retry_after(NOT_READY_RETRY)
        })?;
        Ok(Call { records: self, principal: &caller.principal, budget: caller.budget.clone(), served, table })
    }
}

/// The refusal while nothing is known of what is to be served.
fn not_ready() -> Error {
    Error::new(Reason::NotReady, "the server is starting and does not know the live revision yet; try again")
        .retry_after(NOT_READY_RETRY)
        .untouched()
}

impl Backend for Records {
    fn catalog(&self) -> Result<Arc<Catalog>, Error> {
        Ok(self.served()?.catalog.clone())
    }

    async fn get(
        &self,
        caller: &Caller,
        model: &Arc<Model>,
        id: &str,
        view: &View,
        read_time: Option<i64>,
    ) -> Result<(Stored, Included), Error> {
        let call = self.call(caller, model)?;
        match read_time {
            None => operations::get(&call, id, view).await,
            Some(time) => operations::get_past(&call, id, view, time).await,
        }
    }

    async fn batch_get(
        &self,
        caller: &Caller,
        model: &Arc<Model>,
        ids: &[String],
        view: &View,
    ) -> Result<(Vec<Stored>, Included), Error> {
        operations::batch_get(&self.call(caller, model)?, ids, view, Place::Ids).await
    }

    async fn list(&self, caller: &Caller, model: &Arc<Model>, query: &ListQuery) -> Result<Page, Error> {
        operations::list(&self.call(caller, model)?, query, None).await
    }

    async fn list_related(
        &self,
        caller: &Caller,
        model: &Arc<Model>,
        id: &str,
        referrer: usize,
        query: &ListQuery,
    ) -> Result<Page, Error> {
        operations::list_related(&self.call(caller, model)?, id, referrer, query).await
    }

    async fn explain_list(&self, caller: &Caller, model: &Arc<Model>, query: &ListQuery) -> Result<Explanation, Error> {
        operations::explain_list(&self.call(caller, model)?, query).await
    }

    async fn aggregate(
        &self,
        caller: &Caller,
        model: &Arc<Model>,
        query: &AggregateQuery,
    ) -> Result<AggregateResponse, Error> {
        operations::aggregate(&self.call(caller, model)?, query).await
    }

    async fn watch(&self, caller: &Caller, model: &Arc<Model>, query: &WatchQuery) -> Result<WatchStream, Error> {
        let begin = Begin::of(query.start, &query.token, query.allow_scan)?;
        watch(self, &caller.principal, Subject::of_model(&caller.principal, model, query), begin).await
    }

    async fn list_revisions(
        &self,
        caller: &Caller,
        model: &Arc<Model>,
        id: &str,
        query: &HistoryQuery,
    ) -> Result<HistoryPage, Error> {
        operations::list_revisions(&self.call(caller, model)?, id, query).await
    }

    async fn write(&self, caller: &Caller, writes: Writes) -> Result<Written, Error> {
        let first = writes.list.first().ok_or_else(|| Error::internal("there is nothing to write"))?;
        let call = self.call(caller, &first.model)?;
        operations::write::write(&call, writes).await
    }
}
