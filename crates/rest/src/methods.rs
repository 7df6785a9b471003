//! The methods of collections and records, one file for each. `table` maps requests to them.

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
mod table;
mod undelete;
mod update;
mod watch;
mod write_options;

pub(crate) use table::{COMMIT, DERIVED, Matched, find, is_served};

use crate::json_field_paths;
use crate::query::Query;
use crate::response::options;
use crate::rest_error::{ACCEPT_PATCH, PATCH_MEDIA_TYPES, RestError};
use crate::route::Route;
use crate::target::Target;
use axum::body::Body;
use bytes::Bytes;
use groundplan_call::offload_if_long;
use groundplan_codec::json::{self, Decoded};
use groundplan_codec::{Record, Value};
use groundplan_error::Error;
use groundplan_identity::Caller;
use groundplan_model::catalog::{Catalog, MethodKind, Model};
use groundplan_operations::Backend;
use http::request::Parts;
use http::{HeaderMap, Method, Response};
use std::sync::Arc;

/// The context of a call of a model's method.
pub(crate) struct Call<'a, B> {
    pub(crate) backend: &'a B,
    pub(crate) caller: Caller,
    pub(crate) catalog: &'a Catalog,
    pub(crate) model: Arc<Model>,
    /// The longest body, in bytes.
    pub(crate) max_body: usize,
}

/// A request for a method.
struct Request<'a> {
    route: &'static Route,
    target: &'a Target,
    http_method: Method,
    headers: HeaderMap,
    query: Query,
    body: Body,
}

/// Handles a request for a path of a model.
pub(crate) async fn handle<B: Backend>(
    call: Call<'_, B>,
    target: &Target,
    matched: Matched,
    request: http::Request<Body>,
) -> Result<Response<Body>, RestError> {
    let (parts, body) = request.into_parts();
    table::check_path(&call.model, target, matched.first)?;
    let Some((kind, route)) = matched.requested else {
        return without_method(table::at(target).map(|(_, route)| route), &parts);
    };
    let query = route.parse_query(parts.uri.query(), Some(&call.model))?;
    let request = Request { route, target, http_method: parts.method, headers: parts.headers, query, body };
    table::dispatch(*kind, &call, request).await
}

/// Handles a request for `/api:commit`.
pub(crate) async fn handle_commit<B: Backend>(
    (backend, caller): (&B, &Caller),
    catalog: &Arc<Catalog>,
    request: http::Request<Body>,
    max_body: usize,
) -> Result<Response<Body>, RestError> {
    let (parts, body) = request.into_parts();
    if !COMMIT.http_methods.contains(&parts.method) {
        return without_method([&COMMIT].into_iter(), &parts);
    }
    COMMIT.parse_query(parts.uri.query(), None)?;
    commit::handle((backend, caller), catalog, (&parts.headers, body), max_body).await
}

/// The method that a request counts as a call of.
pub(crate) fn called_method(matched: Matched) -> Option<MethodKind> {
    match matched.requested.or(matched.first)?.0 {
        // A list of related records counts as a list.
        MethodKind::ListRelated(_) => Some(MethodKind::List),
        kind => Some(kind),
    }
}

/// The response to OPTIONS, or the error for an HTTP method that a path does not have.
fn without_method(routes: impl Iterator<Item = &'static Route>, parts: &Parts) -> Result<Response<Body>, RestError> {
    let allowed = routes.flat_map(|route| route.http_methods).map(Method::as_str).chain(["OPTIONS"]);
    let allowed: Vec<&str> = allowed.collect();
    let allow = allowed.join(", ");
    if parts.method != Method::OPTIONS {
        return Err(RestError::method(&parts.method, parts.uri.path(), allow));
    }
    let mut response = options(&allow)?;
    if allowed.contains(&"PATCH") {
        response.headers_mut().insert(ACCEPT_PATCH, PATCH_MEDIA_TYPES);
    }
    Ok(response)
}

/// The hint for a parameter that is a field of the record in the body.
fn record_field_hint(model: &Model, name: &str) -> Option<String> {
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

/// Takes the etag out of a record: in a body it is a condition, not a value to store.
fn take_etag(model: &Model, record: &mut Record) -> Option<String> {
    match record.take(model.roles.etag?) {
        Some(Value::String(etag)) => Some(etag),
        _ => None,
    }
}
