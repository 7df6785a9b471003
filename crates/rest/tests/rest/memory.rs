//! A backend in memory that records its calls.

mod script;
mod writes;

use groundplan_codec::mask::ReadMask;
use groundplan_codec::{Record, Stored, Value};
use groundplan_error::{Error, Reason};
use groundplan_identity::Caller;
use groundplan_model::catalog::{Catalog, Model};
use groundplan_operations::{
    AggregateQuery, Backend, HistoryPage, HistoryQuery, Included, ListQuery, Page, Total, View, WatchQuery,
    WatchStream, Writes, Written,
};
use groundplan_proto::query::v1::{AggregateResponse, Explanation};
pub(crate) use script::Script;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// The records with their versions, by model and id.
type Records = BTreeMap<(String, String), (Record, u64)>;

/// The calls of the backend.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Asked {
    Get(String, View),
    GetAt(String, i64),
    BatchGet(Vec<String>, View),
    List(ListQuery),
    Related(String, usize, ListQuery),
    Explain(ListQuery),
    Aggregate(AggregateQuery),
    Watch(WatchQuery),
    Revisions(String, HistoryQuery),
    Write(Writes),
}

/// The responses of the backend other than its records.
#[derive(Clone, Default)]
pub(crate) struct Answers {
    pub(crate) total: Option<Total>,
    pub(crate) included: Included,
    pub(crate) explanation: Explanation,
    pub(crate) computed: AggregateResponse,
    pub(crate) watch: Script,
    pub(crate) revisions: HistoryPage,
    /// Whether every write is a repeated one.
    pub(crate) is_repeat: bool,
    /// The error of every write.
    pub(crate) refused: Option<fn() -> Error>,
}

/// It supports pages and masks, but does not filter, order or aggregate.
#[derive(Clone)]
pub(crate) struct Memory {
    catalog: Arc<Catalog>,
    records: Arc<Mutex<Records>>,
    asked: Arc<Mutex<Vec<Asked>>>,
    answers: Arc<Mutex<Answers>>,
}

impl Memory {
    pub(crate) fn new(catalog: Arc<Catalog>) -> Self {
        Self { catalog, records: Arc::default(), asked: Arc::default(), answers: Arc::default() }
    }

    /// The last call.
    pub(crate) fn asked(&self) -> Asked {
        self.asked.lock().unwrap().last().cloned().unwrap()
    }

    /// The number of calls of a method.
    pub(crate) fn questions(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    /// Changes the responses from now on.
    pub(crate) fn answer(&self, change: impl FnOnce(&mut Answers)) {
        change(&mut self.answers.lock().unwrap());
    }

    /// A stored record.
    pub(crate) fn stored(&self, model: &str, id: &str) -> (Arc<Model>, Stored) {
        let model = self.catalog.model(model).cloned().unwrap();
        let (record, version) = self.checked(&model, id, None).unwrap();
        let stored = stored(&model, record, version);
        (model, stored)
    }

    fn note(&self, asked: Asked) {
        self.asked.lock().unwrap().push(asked);
    }

    fn answers(&self) -> Answers {
        self.answers.lock().unwrap().clone()
    }

    fn page(&self, model: &Model, query: &ListQuery) -> Result<Page, Error> {
        let size = if query.page_size == 0 { usize::MAX } else { usize::try_from(query.page_size).unwrap() };
        let start = query.page_token.parse::<usize>().unwrap_or(0);
        let records = self.records.lock().unwrap();
        let all = records.iter().filter(|((name, _), _)| *name == model.full_name);
        let all: Vec<_> = all.map(|(_, (record, version))| stored(model, record.clone(), *version)).collect();
        let page = all.iter().skip(start).take(size).cloned();
        let page = page.map(|stored| masked(model, &query.view, stored)).collect::<Result<Vec<_>, _>>()?;
        let end = start + page.len();
        let next_page_token = if end < all.len() { end.to_string() } else { String::new() };
        let Answers { total, included, .. } = self.answers();
        Ok(Page { records: page, next_page_token, total, included })
    }

    fn checked(&self, model: &Model, id: &str, etag: Option<&str>) -> Result<(Record, u64), Error> {
        let records = self.records.lock().unwrap();
        let found = records.get(&(model.full_name.clone(), id.to_owned()));
        let (record, version) = found.cloned().ok_or_else(|| Error::record_not_found(&model.full_name, id))?;
        match etag.map(|etag| etag.trim_matches('"')) {
            Some(etag) if u64::from_str_radix(etag, 16).is_err() => {
                Err(Error::new(Reason::EtagInvalid, "it is not one of ours"))
            }
            Some(etag) if etag != format!("{version:x}") => Err(Error::new(Reason::EtagMismatch, "it has changed")),
            _ => Ok((record, version)),
        }
    }

    fn put(&self, model: &Model, id: &str, mut record: Record, version: u64) -> Stored {
        record.set(model.roles.id, Some(Value::String(id.to_owned())));
        self.records.lock().unwrap().insert((model.full_name.clone(), id.to_owned()), (record.clone(), version));
        stored(model, record, version)
    }
}

fn stored(model: &Model, mut record: Record, version: u64) -> Stored {
    let etag = format!("{version:x}");
    if let Some(field) = model.roles.etag {
        record.set(field, Some(Value::String(etag.clone())));
    }
    Stored { record, etag }
}

fn masked(model: &Model, view: &View, mut stored: Stored) -> Result<Stored, Error> {
    ReadMask::parse(&model.shapes, model.shape, &view.read_mask)?.apply(&model.shapes, model.shape, &mut stored.record);
    Ok(stored)
}

impl Backend for Memory {
    fn catalog(&self) -> Result<Arc<Catalog>, Error> {
        Ok(Arc::clone(&self.catalog))
    }

    async fn get(
        &self,
        _: &Caller,
        model: &Arc<Model>,
        id: &str,
        view: &View,
        read_time: Option<i64>,
    ) -> Result<(Stored, Included), Error> {
        self.note(match read_time {
            Some(time) => Asked::GetAt(id.to_owned(), time),
            None => Asked::Get(id.to_owned(), view.clone()),
        });
        let (record, version) = self.checked(model, id, None)?;
        Ok((masked(model, view, stored(model, record, version))?, self.answers().included))
    }

    async fn batch_get(
        &self,
        _: &Caller,
        model: &Arc<Model>,
        ids: &[String],
        view: &View,
    ) -> Result<(Vec<Stored>, Included), Error> {
        self.note(Asked::BatchGet(ids.to_vec(), view.clone()));
        let one = |id: &String| {
            let (record, version) = self.checked(model, id, None)?;
            masked(model, view, stored(model, record, version))
        };
        Ok((ids.iter().map(one).collect::<Result<_, _>>()?, self.answers().included))
    }

    async fn list_related(
        &self,
        _: &Caller,
        model: &Arc<Model>,
        id: &str,
        referrer: usize,
        query: &ListQuery,
    ) -> Result<Page, Error> {
        self.note(Asked::Related(id.to_owned(), referrer, query.clone()));
        self.page(&self.catalog.model(&model.referrers[referrer].model).cloned().unwrap(), query)
    }

    async fn explain_list(&self, _: &Caller, _: &Arc<Model>, query: &ListQuery) -> Result<Explanation, Error> {
        self.note(Asked::Explain(query.clone()));
        Ok(self.answers().explanation)
    }

    async fn aggregate(&self, _: &Caller, _: &Arc<Model>, query: &AggregateQuery) -> Result<AggregateResponse, Error> {
        self.note(Asked::Aggregate(query.clone()));
        Ok(self.answers().computed)
    }

    async fn watch(&self, _: &Caller, model: &Arc<Model>, query: &WatchQuery) -> Result<WatchStream, Error> {
        self.note(Asked::Watch(query.clone()));
        ReadMask::parse(&model.shapes, model.shape, &query.read_mask)?;
        self.answers().watch.play()
    }

    async fn list_revisions(
        &self,
        _: &Caller,
        model: &Arc<Model>,
        id: &str,
        query: &HistoryQuery,
    ) -> Result<HistoryPage, Error> {
        self.note(Asked::Revisions(id.to_owned(), query.clone()));
        ReadMask::parse(&model.shapes, model.shape, &query.read_mask)?;
        Ok(self.answers().revisions)
    }

    async fn list(&self, _: &Caller, model: &Arc<Model>, query: &ListQuery) -> Result<Page, Error> {
        self.note(Asked::List(query.clone()));
        self.page(model, query)
    }

    async fn write(&self, _: &Caller, writes: Writes) -> Result<Written, Error> {
        self.note(Asked::Write(writes.clone()));
        let Answers { is_repeat, refused, .. } = self.answers();
        if let Some(refused) = refused {
            return Err(refused());
        }
        let before = self.records.lock().unwrap().clone();
        let is_new = |write: &groundplan_operations::Write| match &write.operation {
            groundplan_operations::Operation::Create { .. } => true,
            groundplan_operations::Operation::Update { id, .. } => self.checked(&write.model, id, None).is_err(),
            _ => false,
        };
        let created = writes.list.iter().map(is_new).collect();
        let written: Result<_, _> = writes.list.into_iter().map(|write| self.write_one(write)).collect();
        if writes.validate_only || written.is_err() {
            *self.records.lock().unwrap() = before;
        }
        Ok(Written { records: written?, created, attempts: 1, is_repeat })
    }
}
