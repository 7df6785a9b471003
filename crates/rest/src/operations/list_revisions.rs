//! GET of `:listRevisions`: what a record was.

use super::Call;
use crate::answer::{self, Envelope};
use crate::query::Query;
use crate::refusal::Refusal;
use crate::shown::Shown;
use crate::wording::as_typed;
use crate::{link, target};
use axum::body::Body;
use groundplan_operations::{Backend, HistoryQuery};
use http::header::LINK;
use http::{Response, StatusCode};

/// The query parameters, which are the fields of the gRPC request.
pub(super) const PARAMETERS: &[&str] = &["pageSize", "pageToken", "readMask"];

pub(super) async fn answer<B: Backend>(call: &Call<'_, B>, id: &str, query: &Query) -> Result<Response<Body>, Refusal> {
    let model = &call.model;
    let asked = HistoryQuery {
        page_size: query.number("pageSize")?,
        page_token: query.text("pageToken"),
        read_mask: query.names("readMask")?,
    };
    let page = call.backend.list_revisions(&call.caller, model, id, &asked).await;
    let page = page.map_err(|error| as_typed(error, PARAMETERS))?;
    let shown = Shown::of(model, &asked.read_mask)?;
    let mut envelope = Envelope::of_text(answer::revisions(model, shown.as_ref(), &page.revisions));
    envelope.next_page_token(&page.next_page_token);
    let mut response = answer::json_body(StatusCode::OK, envelope.into_bytes());
    let path = format!("{}:listRevisions", target::record_path(model, id));
    if let Some(link) = link::to_next_page(&path, query, &page.next_page_token) {
        response.headers_mut().insert(LINK, link);
    }
    Ok(response)
}
