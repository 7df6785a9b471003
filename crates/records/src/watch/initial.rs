//! The records that match when a watch begins, page by page: each page by a snapshot of its own, so that no transaction stays
//! open while the follower reads.

use crate::call::Call;
use crate::changefeed::{CompiledModel, CompiledSubscription, hold_when_free, shown};
use crate::operations::Reading;
use crate::state::Records;
use crate::tx_error::TxError;
use bytes::Bytes;
use diesel_async::AsyncPgConnection;
use futures_util::TryStreamExt as _;
use futures_util::future::{AbortHandle, Abortable, pending};
use groundplan_budget::{Budget, Held};
use groundplan_chassis::database::{PgRow, row_stream};
use groundplan_codec::{Record, Value, wire};
use groundplan_error::{Error, Reason};
use groundplan_eventlog::Snapshot;
use groundplan_identity::Principal;
use groundplan_operations::{LazyRecord, ListQuery, WatchEvent};
use groundplan_proto::watch::v1::EventKind;
use groundplan_query::Part;
use groundplan_query::row;
use std::sync::Arc;

/// The most records of a page.
const PAGE: i64 = 500;

/// The most bytes of a page's records, but for the last one: there the page ends, and no more rows are read.
const MAX_PAGE_BYTES: usize = 2 << 20;

/// The reading of the records of a watch's models.
#[derive(Clone)]
pub(crate) struct Initial {
    pub(crate) records: Records,
    pub(crate) principal: Principal,
    pub(crate) compiled: Arc<CompiledSubscription>,
}

/// Where a page begins: behind the row whose keys have these values.
pub(crate) type After = Vec<Option<Bytes>>;

/// A page of records.
pub(crate) struct Page {
    pub(crate) events: Vec<Arc<WatchEvent>>,
    /// The page reaches to this id.
    pub(crate) last_id: String,
    pub(crate) snapshot: Snapshot,
    /// Where the next one begins; none behind the last.
    pub(crate) next: Option<After>,
    /// The memory of its records.
    _held: Held,
}

impl Initial {
    /// Refuses what would read a large table from end to end.
    pub(crate) async fn admit(&self, at: usize, allow_scan: bool) -> Result<(), Error> {
        let call = self.call(at)?;
        Reading::begin(&call, &self.query(at, allow_scan), None)?.admit().await
    }

    /// Reads a page of a model behind a place.
    pub(crate) async fn page(&self, at: usize, after: Option<&After>) -> Result<Page, Error> {
        let call = self.call(at)?;
        let query = self.query(at, true);
        let reading = Reading::begin(&call, &query, None)?;
        let layout = reading.layout(false);
        let part = Part { after: after.map(Vec::as_slice), limit: PAGE, ..Part::default() };
        let builder = reading.statement(&layout, &part);
        let sql = self.records.statement_cache().sql(builder.text());
        let model = self.model(at)?;
        let _reader = self.records.hub().reader().await?;
        // As much as an ordinary page takes. In the end the page holds what it has.
        let mut found = Found::new(hold_when_free(self.records.memory(), MAX_PAGE_BYTES).await?);
        let mut lease = self.records.database().lease().await?;
        let (cancel, registration) = AbortHandle::new_pair();
        let reading = lease.run(async |connection| {
            let transaction = async |connection: &mut AsyncPgConnection| {
                found.snapshot = Some(Snapshot::current(connection).await?);
                let mut rows = row_stream(connection, &sql, builder.binds()).await?;
                while let Some(row) = rows.try_next().await? {
                    found.add(model, &row, layout.values(&row)?)?;
                    if found.is_cut() {
                        // A run that is dropped unfinished cancels its statement, and ends its transaction: the rest of the
                        // rows is never sent.
                        cancel.abort();
                        pending::<()>().await;
                    }
                }
                Ok(())
            };
            connection.build_transaction().repeatable_read().read_only().run(transaction).await
        });
        if let Ok(read) = Abortable::new(reading, registration).await {
            read.map_err(TxError::into_error)?;
        }
        found.page(model)
    }

    fn model(&self, at: usize) -> Result<&Arc<CompiledModel>, Error> {
        self.compiled.models.get(at).ok_or_else(|| Error::internal("a watch has an unknown model"))
    }

    fn call(&self, at: usize) -> Result<Call<'_>, Error> {
        let table = self.model(at)?.table.clone();
        Ok(Call {
            records: &self.records,
            principal: &self.principal,
            budget: Budget::default(),
            served: self.compiled.served.clone(),
            table,
        })
    }

    fn query(&self, at: usize, allow_scan: bool) -> ListQuery {
        let filter =
            self.compiled.subscription.models.get(at).map(|watched| watched.filter.clone()).unwrap_or_default();
        ListQuery { filter, allow_scan, ..ListQuery::default() }
    }
}

/// What a page has found.
struct Found {
    held: Held,
    /// About how many bytes of memory the records take.
    memory: usize,
    /// Whether the process has no memory for more records.
    is_out_of_memory: bool,
    snapshot: Option<Snapshot>,
    records: Vec<(Record, i64)>,
    last_id: String,
    last_values: Vec<Option<Bytes>>,
    bytes: usize,
}

impl Found {
    fn new(held: Held) -> Self {
        Self {
            held,
            memory: 0,
            is_out_of_memory: false,
            snapshot: None,
            records: Vec::new(),
            last_id: String::new(),
            last_values: Vec::new(),
            bytes: 0,
        }
    }

    fn is_cut(&self) -> bool {
        self.bytes > MAX_PAGE_BYTES || self.is_out_of_memory
    }

    fn add(&mut self, model: &CompiledModel, row: &PgRow, values: Vec<Option<Bytes>>) -> Result<(), Error> {
        let of_model = &model.table.model;
        let record = row::record(of_model, &model.table.columns, row, 1)?;
        let Some(Value::String(id)) = record.get(of_model.roles.id) else {
            return Err(Error::internal("a record has no id"));
        };
        // Which page has seen a record is told by the order of ids.
        if *id <= self.last_id && !self.records.is_empty() {
            let message = format!(
                "the ids of the table of {} are not in byte order, which a watch with START_INITIAL requires; give \
                 its id column the collation \"C\", or use START_NOW",
                of_model.full_name
            );
            return Err(Error::new(Reason::StepFailed, message));
        }
        self.last_id.clone_from(id);
        self.bytes += wire::encoded_len(&of_model.shapes, of_model.shape, &record);
        self.memory += record.memory();
        let missing = self.memory.saturating_sub(self.held.bytes());
        self.is_out_of_memory = self.held.grow(missing).is_err();
        self.last_values = values;
        self.records.push((record, row::version(row)?));
        Ok(())
    }

    fn page(mut self, model: &Arc<CompiledModel>) -> Result<Page, Error> {
        let goes_on = self.is_cut() || i64::try_from(self.records.len()).is_ok_and(|found| found >= PAGE);
        self.held.shrink(self.held.bytes().saturating_sub(self.memory));
        let events = self.records.into_iter().map(|(record, version)| {
            let of_event = model.clone();
            Arc::new(WatchEvent {
                bytes: record.memory(),
                kind: EventKind::Created,
                model: Some(model.table.model.clone()),
                record: Some(LazyRecord::new(move || shown(&of_event, record.clone(), version))),
                ..WatchEvent::default()
            })
        });
        let snapshot = self.snapshot.ok_or_else(|| Error::internal("a page was read without a snapshot"))?;
        let next = goes_on.then_some(self.last_values);
        Ok(Page { events: events.collect(), last_id: self.last_id, snapshot, next, _held: self.held })
    }
}
