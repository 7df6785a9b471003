//! The operations on collections and records, one file each.

mod aggregate;
mod batch_create;
mod batch_delete;
mod batch_get;
mod batch_update;
mod batch_writes;
mod commit;
mod create;
mod delete;
mod explain_list;
mod get;
mod list;
mod list_revisions;
mod precondition;
mod related;
mod undelete;
mod update;
mod watch;
mod write_options;

use crate::json_field_paths;
use crate::query::{Query, key_of_body};
use crate::response::options;
use crate::rest_error::{ACCEPT_PATCH, PATCH_MEDIA_TYPES, RestError};
use crate::target;
use axum::body::Body;
use bytes::Bytes;
use groundplan_call::offload_if_long;
use groundplan_codec::json::{self, Decoded};
use groundplan_codec::{Record, Value};
use groundplan_error::Error;
use groundplan_identity::Caller;
use groundplan_model::catalog::{Catalog, Model};
use groundplan_operations::Backend;
use http::{HeaderMap, Method, Request, Response};
use std::sync::Arc;

/// What every operation knows: whom it asks, who calls, which model it is about, and how large a body may be.
pub(crate) struct Call<'a, B> {
    pub(crate) backend: &'a B,
    pub(crate) caller: Caller,
    pub(crate) model: Arc<Model>,
    pub(crate) max_body: usize,
}

/// Answers on `/api/{version}/{resource}`.
pub(crate) async fn collection<B: Backend>(
    call: Call<'_, B>,
    request: Request<Body>,
) -> Result<Response<Body>, RestError> {
    const ALLOWED: &str = "GET, HEAD, POST, OPTIONS";
    let (parts, body) = request.into_parts();
    let query = parts.uri.query();
    match parts.method {
        Method::GET | Method::HEAD => list::handle(&call, &Query::parse(query, list::PARAMETERS)?).await,
        Method::POST => {
            let query = Query::parse_beside(query, create::PARAMETERS, |name| field_of_body(&call.model, name))?;
            create::handle(&call, &parts.headers, &query, body).await
        }
        Method::OPTIONS => Ok(options(ALLOWED)),
        method => Err(RestError::method(&method, parts.uri.path(), ALLOWED)),
    }
}

/// Answers on `/api/{version}/{resource}:{method}`.
pub(crate) async fn custom<B: Backend>(
    call: Call<'_, B>,
    method: &str,
    request: Request<Body>,
) -> Result<Response<Body>, RestError> {
    const METHODS: &[&str] =
        &["batchGet", "batchCreate", "batchUpdate", "batchDelete", "aggregate", "explainList", "watch"];
    let allowed = match method {
        "batchGet" | "batchCreate" | "batchUpdate" | "batchDelete" | "aggregate" => "POST, OPTIONS",
        "explainList" => "GET, HEAD, OPTIONS",
        // HEAD would begin a watch to say nothing of it.
        "watch" => "GET, OPTIONS",
        _ => return Err(target::no_method(&call.model, method, METHODS).into()),
    };
    let (parts, body) = request.into_parts();
    let query = parts.uri.query();
    match (method, parts.method) {
        (_, Method::POST) if allowed.starts_with("POST") => {
            Query::parse_beside(query, &[], |name| key_of_body(body_keys(method), name))?;
            posted(&call, method, &parts.headers, body).await
        }
        ("explainList", Method::GET | Method::HEAD) => {
            explain_list::handle(&call, &Query::parse(query, list::PARAMETERS)?).await
        }
        ("watch", Method::GET) => watch::handle(&call, &parts.headers, &Query::parse(query, watch::PARAMETERS)?).await,
        (_, Method::OPTIONS) => Ok(options(allowed)),
        (_, method) => Err(RestError::method(&method, parts.uri.path(), allowed)),
    }
}

/// Answers a POST on `/api/{version}/{resource}:{method}`.
async fn posted<B: Backend>(
    call: &Call<'_, B>,
    name: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response<Body>, RestError> {
    match name {
        "batchGet" => batch_get::handle(call, headers, body).await,
        "batchCreate" => batch_create::handle(call, headers, body).await,
        "batchUpdate" => batch_update::handle(call, headers, body).await,
        "batchDelete" => batch_delete::handle(call, headers, body).await,
        _ => aggregate::handle(call, headers, body).await,
    }
}

/// Answers on `/api/{version}/{resource}/{id}`.
pub(crate) async fn record<B: Backend>(
    call: Call<'_, B>,
    id: &str,
    request: Request<Body>,
) -> Result<Response<Body>, RestError> {
    const ALLOWED: &str = "GET, HEAD, PATCH, PUT, DELETE, OPTIONS";
    let (parts, body) = request.into_parts();
    let query = parts.uri.query();
    match parts.method {
        Method::GET | Method::HEAD => {
            get::handle(&call, id, &parts.headers, &Query::parse(query, get::PARAMETERS)?).await
        }
        Method::PATCH | Method::PUT => {
            let query = Query::parse_beside(query, update::PARAMETERS, |name| update::place(&call.model, name))?;
            let scope = if parts.method == Method::PUT {
                update::UpdateScope::AllFields
            } else {
                update::UpdateScope::PresentFields
            };
            let result = update::handle(&call, id, (&parts.headers, &query), body, scope).await;
            result.map_err(|error| if parts.method == Method::PATCH { error.with_patch_media_types() } else { error })
        }
        Method::DELETE => {
            let query = Query::parse(query, delete::PARAMETERS)?;
            delete::handle(&call, id, (&parts.headers, &query), body).await
        }
        Method::OPTIONS => {
            let mut response = options(ALLOWED);
            response.headers_mut().insert(ACCEPT_PATCH, PATCH_MEDIA_TYPES);
            Ok(response)
        }
        method => Err(RestError::method(&method, parts.uri.path(), ALLOWED)),
    }
}

/// Answers on `/api/{version}/{resource}/{id}:{method}`.
pub(crate) async fn record_custom<B: Backend>(
    call: Call<'_, B>,
    (id, name): (&str, &str),
    request: Request<Body>,
) -> Result<Response<Body>, RestError> {
    let (keeps_history, keeps_deleted) = (call.model.history.is_some(), call.model.soft_delete.is_some());
    let (parts, body) = request.into_parts();
    let allowed = match name {
        "listRevisions" if keeps_history => "GET, HEAD, OPTIONS",
        "listRevisions" => return Err(target::no_history(&call.model).into()),
        "undelete" if keeps_deleted => "POST, OPTIONS",
        "undelete" => return Err(target::no_undelete(&call.model).into()),
        _ => {
            let known = [(keeps_history, "listRevisions"), (keeps_deleted, "undelete")];
            let known: Vec<&str> = known.into_iter().filter(|(is_there, _)| *is_there).map(|(_, name)| name).collect();
            return Err(target::no_record_method(&call.model, name, &known).into());
        }
    };
    let query = parts.uri.query();
    match (name, parts.method) {
        (_, Method::OPTIONS) => Ok(options(allowed)),
        ("undelete", Method::POST) => {
            Query::parse_beside(query, &[], |name| key_of_body(undelete::KEYS, name))?;
            undelete::handle(&call, id, &parts.headers, body).await
        }
        ("listRevisions", Method::GET | Method::HEAD) => {
            list_revisions::handle(&call, id, &Query::parse(query, list_revisions::PARAMETERS)?).await
        }
        (_, method) => Err(RestError::method(&method, parts.uri.path(), allowed)),
    }
}

/// Answers on `/api:commit`.
pub(crate) async fn commit<B: Backend>(
    (backend, caller): (&B, &Caller),
    catalog: &Arc<Catalog>,
    request: Request<Body>,
    max_body: usize,
) -> Result<Response<Body>, RestError> {
    const ALLOWED: &str = "POST, OPTIONS";
    let (parts, body) = request.into_parts();
    match parts.method {
        Method::POST => {
            Query::parse_beside(parts.uri.query(), &[], |name| key_of_body(commit::KEYS, name))?;
            commit::handle((backend, caller), catalog, (&parts.headers, body), max_body).await
        }
        Method::OPTIONS => Ok(options(ALLOWED)),
        method => Err(RestError::method(&method, parts.uri.path(), ALLOWED)),
    }
}

/// Answers on `/api/{version}/{resource}/{id}/{inverse}`.
pub(crate) async fn related<B: Backend>(
    call: Call<'_, B>,
    catalog: &Catalog,
    (id, inverse): (&str, &str),
    request: Request<Body>,
) -> Result<Response<Body>, RestError> {
    const ALLOWED: &str = "GET, HEAD, OPTIONS";
    let referrer = target::find_inverse(&call.model, inverse)?;
    match *request.method() {
        Method::GET | Method::HEAD => {
            let query = Query::parse(request.uri().query(), list::PARAMETERS)?;
            related::handle(&call, catalog, id, referrer, &query).await
        }
        Method::OPTIONS => Ok(options(ALLOWED)),
        _ => Err(RestError::method(request.method(), request.uri().path(), ALLOWED)),
    }
}

/// The keys of the body of a custom method.
fn body_keys(method: &str) -> &'static [&'static str] {
    match method {
        "batchGet" => batch_get::KEYS,
        "aggregate" => aggregate::KEYS,
        _ => batch_writes::KEYS,
    }
}

/// Where a parameter belongs that is a field of the record in the body.
fn field_of_body(model: &Model, name: &str) -> Option<String> {
    let field = model.shape().field(model.shape().by_name(name)?);
    Some(format!("send it in the body, as its key {}", field.json_name))
}

/// Parses the body of a write.
async fn decode<B>(call: &Call<'_, B>, body: Bytes) -> Result<Decoded, Error> {
    let (model, budget, length) = (call.model.clone(), call.caller.budget.clone(), body.len());
    let decode = move || {
        let decoded = json::decode(&model.shapes, model.shape, &body, &budget);
        decoded.map_err(|error| json_field_paths::of_record(&model, error.into()))
    };
    offload_if_long(length, decode).await?
}

/// The etag in the body is a condition, not a value to store.
fn take_etag(model: &Model, record: &mut Record) -> Option<String> {
    match record.take(model.roles.etag?) {
        Some(Value::String(etag)) => Some(etag),
        _ => None,
    }
}
