//! GET of a collection.

use super::Call;
use crate::query::Query;
use crate::refusal::Refusal;
use crate::{Backend, ListQuery, answer};
use axum::body::Body;
use http::Response;

/// The query parameters, which are the fields of the gRPC request.
pub(super) const PARAMETERS: &[&str] = &["pageSize", "pageToken"];

pub(super) async fn answer<B: Backend>(call: &Call<'_, B>, query: &Query) -> Result<Response<Body>, Refusal> {
    let page_size = query.count("pageSize")?;
    let page_token = query.get("pageToken").unwrap_or_default().to_owned();
    let query = ListQuery { page_size, page_token, ..ListQuery::default() };
    let page = call.backend.list(&call.caller, &call.model, &query).await?;
    Ok(answer::page(&call.model, &page))
}
