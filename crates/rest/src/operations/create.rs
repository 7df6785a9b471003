//! POST of a record to its collection.

use super::{Call, decode};
use crate::refusal::Refusal;
use crate::{Backend, Operation, Writes, answer, body, target};
use axum::body::Body;
use groundplan_error::Error;
use http::header::{HeaderValue, LOCATION};
use http::{HeaderMap, Response, StatusCode};

pub(super) async fn answer<B: Backend>(
    call: &Call<'_, B>,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response<Body>, Refusal> {
    let bytes = body::read_json(headers, body, call.max_body).await?;
    let decoded = decode(&call.model, &bytes)?;
    let operation = Operation::Create { record: decoded.record, local_ref: String::new() };
    let written = call.backend.write(&call.caller, Writes::single(&call.model, operation)).await?;
    let stored = written.into_single().ok_or_else(|| Error::internal("a creation has given no record"))?;
    let location = target::record_path(&call.model, answer::id_of(&call.model, &stored)?);
    let mut response = answer::record(StatusCode::CREATED, &call.model, &stored)?;
    response.headers_mut().insert(LOCATION, HeaderValue::try_from(location).map_err(Error::internal)?);
    Ok(response)
}
