//! GET `:listRevisions`: lists the revisions of a record.

use super::{Call, Request};
use crate::parameter_errors::with_rest_names;
use crate::projection::Projection;
use crate::response::{self, Envelope};
use crate::rest_error::RestError;
use crate::{link, target};
use axum::body::Body;
use groundplan_operations::{Backend, HistoryQuery};
use http::header::LINK;
use http::{Response, StatusCode};

/// The query parameters, which are the fields of the gRPC request.
pub(super) const PARAMETERS: &[&str] = &["pageSize", "pageToken", "readMask"];

pub(super) async fn handle<B: Backend>(call: &Call<'_, B>, request: Request<'_>) -> Result<Response<Body>, RestError> {
    let Request { route, target, query, .. } = &request;
    let id = target.id();
    let model = &call.model;
    let asked = HistoryQuery {
        page_size: query.number("pageSize")?,
        page_token: query.text("pageToken"),
        read_mask: query.names("readMask")?,
    };
    let page = call.backend.list_revisions(&call.caller, model, id, &asked).await;
    let page = page.map_err(|error| with_rest_names(error, PARAMETERS))?;
    let shown = Projection::of(model, &asked.read_mask)?;
    let mut envelope = Envelope::of_text(response::revisions(model, shown.as_ref(), &page.revisions));
    envelope.next_page_token(&page.next_page_token);
    let mut response = response::json_body(StatusCode::OK, envelope.into_bytes());
    let path = target::record_method_path(model, id, route.path.custom_method().unwrap_or_default());
    if let Some(link) = link::to_next_page(&path, query, &page.next_page_token) {
        response.headers_mut().insert(LINK, link);
    }
    Ok(response)
}
