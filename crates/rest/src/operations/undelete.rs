//! POST of `:undelete`: a deleted record comes back.

use super::Call;
use super::manner::{Manner, REQUEST_ID, VALIDATE_ONLY, replayed};
use super::precondition::Precondition;
use crate::body;
use crate::input::Input;
use crate::refusal::Refusal;
use axum::body::Body;
use groundplan_error::Error;
use groundplan_operations::{Backend, Operation};
use http::{HeaderMap, Response};

/// The keys of the body.
pub(super) const KEYS: &[&str] = &["etag", REQUEST_ID, VALIDATE_ONLY];

pub(super) async fn answer<B: Backend>(
    call: &Call<'_, B>,
    id: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response<Body>, Refusal> {
    let bytes = body::read_optional_json(headers, body, call.max_body).await?;
    let mut input = Input::parse(bytes.as_deref().unwrap_or(b"{}"), KEYS)?;
    let manner = Manner::of_body(headers, &mut input)?;
    let etag = Some(input.text("etag")?).filter(|etag| !etag.is_empty());
    let settled = Precondition::new(headers, etag)?.settle(call, id, &manner, false).await?;
    let etag = settled.etag().unwrap_or_default().to_owned();
    let result = manner.write(call, Operation::Undelete { id: id.to_owned(), etag }).await;
    let written = result.map_err(|error| settled.refusal(error, &call.model.full_name, id))?;
    let is_repeat = written.is_repeat;
    let stored = written.into_single().ok_or_else(|| Error::internal("an undelete has given no record"))?;
    replayed(is_repeat, manner.answer(&call.model, &stored))
}
