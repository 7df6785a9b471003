//! POST `:undelete`: restores a deleted record.

use super::precondition::Precondition;
use super::write_options::{REQUEST_ID, VALIDATE_ONLY, WriteOptions, replayed};
use super::{Call, Request};
use crate::body;
use crate::input::Input;
use crate::rest_error::RestError;
use axum::body::Body;
use groundplan_error::Error;
use groundplan_operations::{Backend, Operation};
use http::Response;

/// The keys of the body.
pub(super) const KEYS: &[&str] = &["etag", REQUEST_ID, VALIDATE_ONLY];

pub(super) async fn handle<B: Backend>(call: &Call<'_, B>, request: Request<'_>) -> Result<Response<Body>, RestError> {
    let Request { target, headers, body, .. } = request;
    let id = target.id();
    let bytes = body::read_optional_json(&headers, body, call.max_body).await?;
    let mut input = Input::parse(bytes.as_deref().unwrap_or(b"{}"), KEYS)?;
    let options = WriteOptions::from_body(&headers, &mut input)?;
    let etag = Some(input.text("etag")?).filter(|etag| !etag.is_empty());
    let expected = Precondition::new(&headers, etag)?.resolve(call, id, &options, false).await?;
    let etag = expected.etag().unwrap_or_default().to_owned();
    let result = options.write(call, Operation::Undelete { id: id.to_owned(), etag }).await;
    let written = result.map_err(|error| expected.to_rest_error(error, &call.model.full_name, id))?;
    let is_repeat = written.is_repeat;
    let stored = written.into_single().ok_or_else(|| Error::internal("an undelete has given no record"))?;
    replayed(is_repeat, options.record_response(&call.model, &stored))
}
