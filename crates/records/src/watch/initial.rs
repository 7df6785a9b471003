//! Reads the records that match when a watch starts, page by page. Each page has its own snapshot, so that no transaction stays
//! open while the watcher reads.

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

/// The maximum number of records of a page.
const PAGE: i64 = 500;

/// The maximum size of a page's records in bytes, without the last one. When it is exceeded, the page ends and no more rows are
/// read.
const MAX_PAGE_BYTES: usize = 2 << 20;

/// A reader of the records of a watch's models.
#[derive(Clone)]
pub(crate) struct Initial {
    pub(crate) records: Records,
    pub(crate) principal: Principal,
    pub(crate) compiled: Arc<CompiledSubscription>,
}

/// The start of a page: after the row with these values of its keys.
pub(crate) type After = Vec<Option<Bytes>>;

/// A page of records.
pub(crate) struct Page {
    pub(crate) events: Vec<Arc<WatchEvent>>,
    /// The last id of the page's range.
    pub(crate) last_id: String,
    pub(crate) snapshot: Snapshot,
    /// The start of the next page; `None` for the last page.
    pub(crate) next: Option<After>,
    /// The memory of its records.
    _held: Held,
}

impl Initial {
    /// Checks that a query does not read a large table in full, unless `allow_scan` is set.
    pub(crate) async fn admit(&self, at: usize, allow_scan: bool) -> Result<(), Error> {
        let call = self.call(at)?;
        Reading::begin(&call, &self.query(at, allow_scan), None)?.admit().await
    }

    /// Reads a page of a model, after a row.
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
        // The size of an ordinary page. In the end, the page holds only what it uses.
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
                        // Dropping an unfinished run cancels its statement and ends its transaction, so that the remaining rows
                        // are never sent.
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

/// The content of a page while it is read.
struct Found {
    held: Held,
    /// The approximate size of the records in memory, in bytes.
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
        // The order of ids determines which page's snapshot contains a record.
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
