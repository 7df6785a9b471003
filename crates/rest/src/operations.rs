//! The operations on collections and records, one file each.

mod aggregate;
mod batch_get;
mod create;
mod delete;
mod explain_list;
mod get;
mod list;
mod list_revisions;
mod precondition;
mod related;
mod update;
mod view;
mod watch;

use crate::query::Query;
use crate::refusal::Refusal;
use crate::router::options;
use crate::{Backend, target};
use axum::body::Body;
use groundplan_chassis::principal::Principal;
use groundplan_codec::json::{self, Decoded};
use groundplan_error::Error;
use groundplan_model::catalog::{Catalog, Model};
use http::{Method, Request, Response};
use std::sync::Arc;

/// What every operation knows: whom it asks, who calls, which model it is about, and how large a body may be.
pub(crate) struct Call<'a, B> {
    pub(crate) backend: &'a B,
    pub(crate) caller: Principal,
    pub(crate) model: Arc<Model>,
    pub(crate) max_body: usize,
}

/// Answers on `/api/{version}/{resource}`.
pub(crate) async fn collection<B: Backend>(
    call: Call<'_, B>,
    request: Request<Body>,
) -> Result<Response<Body>, Refusal> {
    const ALLOWED: &str = "GET, HEAD, POST, OPTIONS";
    let (parts, body) = request.into_parts();
    let query = parts.uri.query();
    match parts.method {
        Method::GET | Method::HEAD => list::answer(&call, &Query::parse(query, list::PARAMETERS)?).await,
        Method::POST => {
            Query::parse(query, &[])?;
            create::answer(&call, &parts.headers, body).await
        }
        Method::OPTIONS => Ok(options(ALLOWED)),
        method => Err(Refusal::method(&method, parts.uri.path(), ALLOWED)),
    }
}

/// Answers on `/api/{version}/{resource}:{method}`.
pub(crate) async fn custom<B: Backend>(
    call: Call<'_, B>,
    name: &str,
    request: Request<Body>,
) -> Result<Response<Body>, Refusal> {
    const METHODS: &[&str] = &["batchGet", "aggregate", "explainList", "watch"];
    let allowed = match name {
        "batchGet" | "aggregate" => "POST, OPTIONS",
        "explainList" => "GET, HEAD, OPTIONS",
        // HEAD would begin a watch to say nothing of it.
        "watch" => "GET, OPTIONS",
        _ => return Err(target::no_method(&call.model, name, METHODS).into()),
    };
    let (parts, body) = request.into_parts();
    let query = parts.uri.query();
    match (name, parts.method) {
        ("batchGet", Method::POST) => {
            Query::parse(query, &[])?;
            batch_get::answer(&call, &parts.headers, body).await
        }
        ("aggregate", Method::POST) => {
            Query::parse(query, &[])?;
            aggregate::answer(&call, &parts.headers, body).await
        }
        ("explainList", Method::GET | Method::HEAD) => {
            explain_list::answer(&call, &Query::parse(query, list::PARAMETERS)?).await
        }
        ("watch", Method::GET) => watch::answer(&call, &parts.headers, &Query::parse(query, watch::PARAMETERS)?).await,
        (_, Method::OPTIONS) => Ok(options(allowed)),
        (_, method) => Err(Refusal::method(&method, parts.uri.path(), allowed)),
    }
}

/// Answers on `/api/{version}/{resource}/{id}`.
pub(crate) async fn record<B: Backend>(
    call: Call<'_, B>,
    id: &str,
    request: Request<Body>,
) -> Result<Response<Body>, Refusal> {
    const ALLOWED: &str = "GET, HEAD, PATCH, PUT, DELETE, OPTIONS";
    let (parts, body) = request.into_parts();
    let query = parts.uri.query();
    match parts.method {
        Method::GET | Method::HEAD => {
            get::answer(&call, id, &parts.headers, &Query::parse(query, get::PARAMETERS)?).await
        }
        Method::PATCH | Method::PUT => {
            Query::parse(query, &[])?;
            let extent = if parts.method == Method::PUT { update::Extent::Whole } else { update::Extent::Given };
            update::answer(&call, id, &parts.headers, body, extent).await
        }
        Method::DELETE => {
            let query = Query::parse(query, delete::PARAMETERS)?;
            delete::answer(&call, id, &parts.headers, &query, body).await
        }
        Method::OPTIONS => Ok(options(ALLOWED)),
        method => Err(Refusal::method(&method, parts.uri.path(), ALLOWED)),
    }
}

/// Answers on `/api/{version}/{resource}/{id}:{method}`.
pub(crate) async fn record_custom<B: Backend>(
    call: Call<'_, B>,
    (id, name): (&str, &str),
    request: Request<Body>,
) -> Result<Response<Body>, Refusal> {
    const METHODS: &[&str] = &["listRevisions"];
    const ALLOWED: &str = "GET, HEAD, OPTIONS";
    match (name, call.model.history.is_some()) {
        ("listRevisions", true) => {}
        ("listRevisions", false) => return Err(target::no_history(&call.model).into()),
        (_, keeps_history) => {
            let methods = if keeps_history { METHODS } else { &[] };
            return Err(target::no_record_method(&call.model, name, methods).into());
        }
    }
    match *request.method() {
        Method::GET | Method::HEAD => {
            let query = Query::parse(request.uri().query(), list_revisions::PARAMETERS)?;
            list_revisions::answer(&call, id, &query).await
        }
        Method::OPTIONS => Ok(options(ALLOWED)),
        _ => Err(Refusal::method(request.method(), request.uri().path(), ALLOWED)),
    }
}

/// Answers on `/api/{version}/{resource}/{id}/{inverse}`.
pub(crate) async fn related<B: Backend>(
    call: Call<'_, B>,
    catalog: &Catalog,
    (id, inverse): (&str, &str),
    request: Request<Body>,
) -> Result<Response<Body>, Refusal> {
    const ALLOWED: &str = "GET, HEAD, OPTIONS";
    let referrer = target::find_inverse(&call.model, inverse)?;
    match *request.method() {
        Method::GET | Method::HEAD => {
            let query = Query::parse(request.uri().query(), list::PARAMETERS)?;
            related::answer(&call, catalog, id, referrer, &query).await
        }
        Method::OPTIONS => Ok(options(ALLOWED)),
        _ => Err(Refusal::method(request.method(), request.uri().path(), ALLOWED)),
    }
}

/// Parses the body of a write.
fn decode(model: &Model, body: &[u8]) -> Result<Decoded, Error> {
    json::decode(&model.shapes, model.shape, body).map_err(Error::from)
}
