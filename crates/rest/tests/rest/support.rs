//! A backend that keeps records in memory, and models to serve: just enough to look at statuses, headers and envelopes.

use ::http::{HeaderMap, Request, Response, StatusCode};
use axum::body::Body;
use bytes::Bytes;
use groundplan_chassis::principal::Principal;
use groundplan_codec::mask::UpdateMask;
use groundplan_codec::{Record, Stored, Value};
use groundplan_error::{Error, Reason};
use groundplan_model::catalog::{Catalog, Model};
use groundplan_model::{Input, SourceFile, StorageNames};
use groundplan_proto::query::v1::{AggregateResponse, Explanation};
use groundplan_rest::{AggregateQuery, Backend, Included, ListQuery, Page, View};
use http_body_util::BodyExt as _;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tower::ServiceExt as _;

/// The catalog of some `.proto` files.
pub(crate) fn catalog(files: &[(&str, &str)]) -> Arc<Catalog> {
    let file = |(path, content): &(&str, &str)| SourceFile { path: (*path).into(), content: (*content).into() };
    let compiled = groundplan_model::compile(Input::Files(files.iter().map(file).collect()), &StorageNames::default());
    let compiled = compiled.unwrap_or_else(|diagnostics| {
        panic!("{}", diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    });
    Arc::new(compiled.catalog)
}

/// By model and id: a record and its version.
type Records = BTreeMap<(String, String), (Record, u64)>;

#[derive(Clone)]
pub(crate) struct Memory {
    catalog: Arc<Catalog>,
    records: Arc<Mutex<Records>>,
}

impl Memory {
    pub(crate) fn new(catalog: Arc<Catalog>) -> Self {
        Self { catalog, records: Arc::default() }
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

impl Backend for Memory {
    fn catalog(&self) -> Result<Arc<Catalog>, Error> {
        Ok(Arc::clone(&self.catalog))
    }

    async fn create(&self, _: &Principal, model: &Arc<Model>, record: Record) -> Result<Stored, Error> {
        let id = match record.get(model.roles.id) {
            Some(Value::String(id)) => id.clone(),
            _ => format!("00000000-0000-7000-8000-{:012}", self.records.lock().unwrap().len()),
        };
        if id == "broken" {
            return Err(Error::internal("disk on fire"));
        }
        Ok(self.put(model, &id, record, 10))
    }

    async fn get(&self, _: &Principal, model: &Arc<Model>, id: &str, _: &View) -> Result<(Stored, Included), Error> {
        self.checked(model, id, None).map(|(record, version)| (stored(model, record, version), Included::default()))
    }

    async fn batch_get(
        &self,
        _: &Principal,
        _: &Arc<Model>,
        _: &[String],
        _: &View,
    ) -> Result<(Vec<Stored>, Included), Error> {
        Err(Error::new(Reason::NotSupported, "not kept in memory"))
    }

    async fn list_related(
        &self,
        _: &Principal,
        _: &Arc<Model>,
        _: &str,
        _: usize,
        _: &ListQuery,
    ) -> Result<Page, Error> {
        Err(Error::new(Reason::NotSupported, "not kept in memory"))
    }

    async fn explain_list(&self, _: &Principal, _: &Arc<Model>, _: &ListQuery) -> Result<Explanation, Error> {
        Err(Error::new(Reason::NotSupported, "not kept in memory"))
    }

    async fn aggregate(&self, _: &Principal, _: &Arc<Model>, _: &AggregateQuery) -> Result<AggregateResponse, Error> {
        Err(Error::new(Reason::NotSupported, "not kept in memory"))
    }

    async fn list(&self, _: &Principal, model: &Arc<Model>, query: &ListQuery) -> Result<Page, Error> {
        let (size, token) = (query.page_size, query.page_token.as_str());
        let size = if size == 0 { usize::MAX } else { usize::try_from(size).unwrap() };
        let start = token.parse::<usize>().unwrap_or(0);
        let records = self.records.lock().unwrap();
        let all = records.iter().filter(|((name, _), _)| *name == model.full_name);
        let all: Vec<_> = all.map(|(_, (record, version))| stored(model, record.clone(), *version)).collect();
        let page: Vec<_> = all.iter().skip(start).take(size).cloned().collect();
        let end = start + page.len();
        let next_page_token = if end < all.len() { end.to_string() } else { String::new() };
        Ok(Page { records: page, next_page_token, ..Page::default() })
    }

    async fn update(
        &self,
        _: &Principal,
        model: &Arc<Model>,
        id: &str,
        update: Record,
        mask: UpdateMask,
        etag: Option<&str>,
    ) -> Result<Stored, Error> {
        let (mut record, version) = self.checked(model, id, etag)?;
        mask.apply(&model.shapes, model.shape, &mut record, update);
        Ok(self.put(model, id, record, version + 1))
    }

    async fn delete(&self, _: &Principal, model: &Arc<Model>, id: &str, etag: Option<&str>) -> Result<(), Error> {
        self.checked(model, id, etag)?;
        self.records.lock().unwrap().remove(&(model.full_name.clone(), id.to_owned()));
        Ok(())
    }
}

/// An answer, with its body read.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
}

impl Answer {
    pub(crate) async fn of(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        Self { status: parts.status, headers: parts.headers, bytes: body.collect().await.unwrap().to_bytes() }
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{error}: {:?}", self.bytes))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// `error.code` and `error.message`.
    pub(crate) fn error(&self) -> (String, String) {
        let json = self.json();
        let text = |name: &str| json["error"][name].as_str().unwrap().to_owned();
        (text("code"), text("message"))
    }
}

/// The REST API over a backend, called as root.
pub(crate) struct Client(pub(crate) axum::Router);

impl Client {
    /// Sends `METHOD /path` with headers such as `if-match: "a"`.
    pub(crate) async fn send(&self, request_line: &str, headers: &[&str], body: impl Into<Body>) -> Answer {
        let (method, uri) = request_line.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(uri).extension(Principal::root());
        for header in headers {
            let (name, value) = header.split_once(": ").unwrap();
            request = request.header(name, value);
        }
        self.send_request(request.body(body.into()).unwrap()).await
    }

    pub(crate) async fn send_request(&self, request: Request<Body>) -> Answer {
        Answer::of(self.0.clone().oneshot(request).await.unwrap()).await
    }
}
