//! The operations on a collection and on a record, one file each.

mod create;
mod delete;
mod get;
mod list;
mod precondition;
mod update;

use crate::Backend;
use crate::query::Query;
use crate::refusal::Refusal;
use crate::router::options;
use axum::body::Body;
use groundplan_chassis::principal::Principal;
use groundplan_codec::json::{self, Decoded};
use groundplan_error::Error;
use groundplan_model::catalog::Model;
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
            Query::parse(query, &[])?;
            get::answer(&call, id, &parts.headers).await
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

/// Parses the body of a write.
fn decode(model: &Model, body: &[u8]) -> Result<Decoded, Error> {
    json::decode(&model.shapes, model.shape, body).map_err(Error::from)
}
