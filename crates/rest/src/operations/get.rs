//! GET of a record.

use super::Call;
use crate::refusal::Refusal;
use crate::{Backend, View, answer, etag};
use axum::body::Body;
use http::{HeaderMap, Response, StatusCode};

pub(super) async fn answer<B: Backend>(
    call: &Call<'_, B>,
    id: &str,
    headers: &HeaderMap,
) -> Result<Response<Body>, Refusal> {
    let known = etag::if_none_match(headers)?;
    let (stored, _) = call.backend.get(&call.caller, &call.model, id, &View::default()).await?;
    if known.is_some_and(|tags| tags.contain(&stored.etag)) {
        return answer::not_modified(&stored);
    }
    answer::record(StatusCode::OK, &call.model, &stored)
}
