//! GET of a record.

use super::{Call, view};
use crate::answer::{self, Envelope};
use crate::query::Query;
use crate::refusal::Refusal;
use crate::shown::Shown;
use crate::wording::as_typed;
use crate::{Backend, etag};
use axum::body::Body;
use http::{HeaderMap, Response, StatusCode};

pub(super) async fn answer<B: Backend>(
    call: &Call<'_, B>,
    id: &str,
    headers: &HeaderMap,
    query: &Query,
) -> Result<Response<Body>, Refusal> {
    let known = etag::if_none_match(headers)?;
    let view = view::of(query)?;
    let found = call.backend.get(&call.caller, &call.model, id, &view).await;
    let (stored, included) = found.map_err(|error| as_typed(error, view::PARAMETERS))?;
    // The etag is the record's alone: what it leads to may have changed.
    if view.expand.is_empty() && known.is_some_and(|tags| tags.contain(&stored.etag)) {
        return answer::not_modified(&stored);
    }
    let shown = Shown::of(&call.model, &view.read_mask)?;
    let mut envelope = Envelope::of_record(&call.model, shown.as_ref(), &stored);
    if !view.expand.is_empty() {
        envelope.included(&included);
    }
    answer::with_etag(answer::json_body(StatusCode::OK, envelope.into_bytes()), &stored)
}
