//! Every derived gRPC method, found at run time: the fallback of the process's routes.

mod codec;
pub(crate) mod event;
mod place;
pub(crate) mod reader;
mod request;
pub(crate) mod streaming;
mod unknown;
mod writes;

use crate::Settings;
use crate::call::Call;
use crate::operations::{self, Place};
use crate::served::Served;
use crate::state::Records;
use crate::table::Table;
use axum::Router;
use axum::extract::Request;
use bytes::Bytes;
use codec::{RawCodec, Reply};
use groundplan_budget::Budget;
use groundplan_call::MatchedMethod;
use groundplan_call::offload_if_long;
use groundplan_chassis::respond::{error_response, is_grpc};
use groundplan_codec::{Record, Stored, wire};
use groundplan_error::{Error, Reason};
use groundplan_identity::Caller;
use groundplan_model::catalog::{MethodKind, Model};
use groundplan_operations::{Included, Writes, Written};
use http::{HeaderValue, Response};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use streaming::Streaming;
use tonic::body::Body;
use tonic::codec::CompressionEncoding;
use tonic::metadata::MetadataValue;
use tonic::server::{Grpc, UnaryService};

/// The record's version, in the metadata of answers that carry one record.
const ETAG: &str = "etag";

/// The revision that answered.
pub(crate) const REVISION: &str = "groundplan-revision";

/// Says that an answer was given before, to the first call with its request id.
pub(crate) const REPLAYED: &str = "idempotency-replayed";

/// The fallback: whatever no other route takes.
pub(crate) fn router(records: Records, settings: Settings) -> Router {
    Router::new().fallback(move |request: Request| {
        let records = records.clone();
        async move {
            if request.method() == http::Method::POST && is_grpc(request.headers()) {
                answer(&records, settings, request).await
            } else {
                error_response(&no_path(&request), false)
            }
        }
    })
}

/// Answers a gRPC call.
async fn answer(records: &Records, settings: Settings, mut request: Request) -> Response<Body> {
    let served = match records.served() {
        Ok(served) => served,
        Err(error) => return error_response(&error, true),
    };
    let caller = Caller::take(request.extensions_mut());
    let begun = caller.and_then(|caller| Begun::new(records, &served, caller, request.uri().path()));
    let mut response = match begun {
        Ok(begun) => {
            let model = &begun.table.model;
            let called = MatchedMethod::new(model.service.clone(), model.method_name(begun.kind));
            let mut response = run(begun, settings, request).await;
            response.extensions_mut().insert(called);
            response
        }
        Err(error) => error_response(&error, true),
    };
    response.headers_mut().insert(REVISION, HeaderValue::from(served.revision()));
    response
}

/// Lets tonic read the one message and write the one answer.
async fn run(begun: Begun, settings: Settings, request: Request) -> Response<Body> {
    let begun = Arc::new(begun);
    let mut grpc = Grpc::new(RawCodec)
        .accept_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(settings.max_message_bytes);
    let response = match begun.kind {
        MethodKind::Watch => grpc.server_streaming(Streaming(begun.clone()), request).await,
        _ => grpc.unary(Unary(begun.clone()), request).await,
    };
    match begun.failure.get() {
        Some(error) => error_response(error, true),
        None => response,
    }
}

/// A call of a method that exists, by a known caller.
struct Begun {
    records: Records,
    caller: Caller,
    /// The revision that the call began with, however often the models change meanwhile.
    served: Arc<Served>,
    table: Arc<Table>,
    kind: MethodKind,
    /// Our own error, with more than a status can carry.
    failure: OnceLock<Error>,
}

impl Begun {
    fn new(records: &Records, served: &Arc<Served>, caller: Caller, path: &str) -> Result<Self, Error> {
        let method = served.catalog.method(path).ok_or_else(|| unknown::method(&served.catalog, path))?;
        let table = served.table(&method.model);
        let table = table.ok_or_else(|| Error::internal("a served model has no statements"))?.clone();
        let (records, served) = (records.clone(), served.clone());
        Ok(Self { records, caller, served, table, kind: method.kind, failure: OnceLock::new() })
    }

    /// Keeps our own error, and gives its status.
    fn fail(&self, error: Error) -> tonic::Status {
        let status = error.to_status();
        // Nothing else sets it: the service is called once.
        let _ = self.failure.set(error);
        status
    }

    /// Does what the message asks for.
    async fn execute(&self, message: &Bytes) -> Result<tonic::Response<Reply>, Error> {
        let call = Call {
            records: &self.records,
            principal: &self.caller.principal,
            budget: self.caller.budget.clone(),
            served: self.served.clone(),
            table: self.table.clone(),
        };
        let model = &self.table.model;
        if let Some(part) = writes::part_of(self.kind) {
            let writes = self.writes(part, message.clone()).await?;
            return written(model, self.kind == part, operations::write::write(&call, writes).await?);
        }
        let request = request::Fields::read(model, self.kind, message)?;
        let stored = match self.kind {
            MethodKind::Get => match request.read_time {
                None => operations::get(&call, request.id, request.view()).await?.0,
                Some(time) => operations::get_past(&call, request.id, request.view(), time).await?.0,
            },
            kind => return query(&call, kind, request).await.map(tonic::Response::new),
        };
        of_record(model, stored)
    }

    /// Reads what a message asks to write. Long messages are read apart from the calls of others.
    async fn writes(&self, part: MethodKind, message: Bytes) -> Result<Writes, Error> {
        let (model, kind, budget) = (self.table.model.clone(), self.kind, self.caller.budget.clone());
        let (length, read) = (message.len(), move || {
            let request = request::Fields::read(&model, kind, &message)?;
            writes::of_request(&model, (kind, part), &request, &budget)
        });
        offload_if_long(length, read).await?
    }
}

/// The answer with one record.
fn of_record(model: &Arc<Model>, stored: Stored) -> Result<tonic::Response<Reply>, Error> {
    let etag = stored.etag.parse().map_err(Error::internal)?;
    let mut response = tonic::Response::new(Reply::Record { model: model.clone(), record: stored.record });
    response.metadata_mut().insert(ETAG, etag);
    Ok(response)
}

/// The answer to writes of one model: a record, several, or nothing where they are gone.
fn written(model: &Arc<Model>, is_single: bool, written: Written) -> Result<tonic::Response<Reply>, Error> {
    let is_repeat = written.is_repeat;
    let records: Vec<Stored> = written.records.into_iter().flatten().collect();
    let mut response = match (is_single, records) {
        (_, records) if records.is_empty() => tonic::Response::new(Reply::Empty),
        (true, records) => match records.into_iter().next() {
            Some(stored) => of_record(model, stored)?,
            None => tonic::Response::new(Reply::Empty),
        },
        (false, records) => {
            tonic::Response::new(Reply::Batch { model: model.clone(), records, included: Included::default() })
        }
    };
    if is_repeat {
        response.metadata_mut().insert(REPLAYED, MetadataValue::from_static("true"));
    }
    Ok(response)
}

/// Reads several records, or what is computed of them.
async fn query(call: &Call<'_>, kind: MethodKind, request: request::Fields<'_>) -> Result<Reply, Error> {
    let model = &call.table.model;
    Ok(match kind {
        MethodKind::BatchGet => {
            let (records, included) =
                operations::batch_get(call, &request.ids, request.view(), Place::Requests).await?;
            Reply::Batch { model: model.clone(), records, included }
        }
        MethodKind::ListRelated(at) => {
            let at = usize::from(at);
            let page = operations::list_related(call, request.id, at, &request.list).await?;
            let of_records = model.referrers.get(at).and_then(|referrer| call.served.catalog.model(&referrer.model));
            let of_records = of_records.ok_or_else(|| Error::internal("an inverse relation has no model"))?;
            Reply::Page { model: of_records.clone(), page }
        }
        MethodKind::ListRevisions => {
            let id = request.id.to_owned();
            let page = operations::list_revisions(call, &id, &request.history()).await?;
            Reply::History { model: model.clone(), page }
        }
        MethodKind::ExplainList => Reply::Explanation(operations::explain_list(call, &request.list).await?),
        MethodKind::Aggregate => Reply::Aggregate(operations::aggregate(call, &request.aggregate()).await?),
        MethodKind::List => {
            let page = operations::list(call, &request.list, None).await?;
            Reply::Page { model: model.clone(), page }
        }
        _ => return Err(Error::internal("a write, a Get or a stream is not a query")),
    })
}

/// A call as tonic makes it.
struct Unary(Arc<Begun>);

impl UnaryService<Bytes> for Unary {
    type Response = Reply;
    type Future = Pin<Box<dyn Future<Output = Result<tonic::Response<Reply>, tonic::Status>> + Send>>;

    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        let begun = self.0.clone();
        Box::pin(async move { begun.execute(request.get_ref()).await.map_err(|error| begun.fail(error)) })
    }
}

/// The refusal of what is neither gRPC nor on a path of REST.
fn no_path(request: &Request) -> Error {
    let words = format!(
        "{} {} does not exist; REST is below /api, and gRPC is a POST with the content type application/grpc",
        request.method(),
        request.uri().path()
    );
    Error::new(Reason::PathNotFound, words)
}

/// Reads a record.
fn decode(model: &Model, bytes: &[u8], budget: &Budget) -> Result<Record, Error> {
    wire::decode(&model.shapes, model.shape, bytes, budget).map_err(Error::from)
}
