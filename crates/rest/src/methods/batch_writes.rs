//! The common parts of BatchCreate, BatchUpdate and BatchDelete.

use super::write_options::{REQUEST_ID, VALIDATE_ONLY, WriteOptions, replayed};
use super::{Call, Request};
use crate::body;
use crate::input::Input;
use crate::json_field_paths;
use crate::parameter_errors::{invalid_parameter, with_rest_names};
use crate::response::{self, Envelope};
use crate::rest_error::RestError;
use axum::body::Body;
use groundplan_call::offload_if_long;
use groundplan_codec::Stored;
use groundplan_error::Error;
use groundplan_model::catalog::Model;
use groundplan_operations::{Backend, Form, Operation, Write, Writes, Written};
use http::{HeaderMap, Response, StatusCode};
use std::sync::Arc;

const REQUESTS: &str = "requests";

/// The keys of the body.
pub(super) const KEYS: &[&str] = &[REQUESTS, REQUEST_ID, VALIDATE_ONLY];

/// The keys of one request in a batch.
pub(super) type Keys = Vec<String>;

/// Writes the requests of a body. `read` reads one of them.
pub(super) async fn write<B: Backend>(
    call: &Call<'_, B>,
    request: Request<'_>,
    keys: Keys,
    read: impl Fn(&mut Input<'_>) -> Result<Operation, Error> + Send + 'static,
) -> Result<Written, RestError> {
    let bytes = body::read_json(&request.headers, request.body, call.max_body).await?;
    let (model, headers) = (call.model.clone(), request.headers);
    let writes = offload_if_long(bytes.len(), move || writes(&model, &headers, &bytes, &keys, read)).await??;
    let written = call.backend.write(&call.caller, writes).await;
    Ok(written.map_err(|error| json_field_paths::of_batch(&call.model, with_rest_names(error, KEYS)))?)
}

fn writes(
    model: &Arc<Model>,
    headers: &HeaderMap,
    body: &[u8],
    keys: &Keys,
    read: impl Fn(&mut Input<'_>) -> Result<Operation, Error>,
) -> Result<Writes, Error> {
    let mut input = Input::parse(body, KEYS)?;
    let options = WriteOptions::from_batch_body(headers, &mut input)?;
    let keys: Vec<&str> = keys.iter().map(String::as_str).chain([REQUEST_ID, VALIDATE_ONLY]).collect();
    let write = |mut request: Input<'_>| {
        let given =
            [(REQUEST_ID, !request.text(REQUEST_ID)?.is_empty()), (VALIDATE_ONLY, request.flag(VALIDATE_ONLY)?)];
        for (name, is_given) in given {
            if is_given {
                let description = "is not allowed in one request of a batch; set it for the whole batch";
                return Err(invalid_parameter(request.path_of(name), "batch", description));
            }
        }
        let operation = read(&mut request)?;
        Ok(Write { model: model.clone(), operation, condition: String::new() })
    };
    let list = input.batch(REQUESTS, &keys, write)?;
    Ok(options.apply(Writes { list, form: Form::Batch, ..Writes::default() }))
}

/// The response with the written records, in the order of the requests.
pub(super) fn records(model: &Model, written: Written) -> Result<Response<Body>, RestError> {
    let records: Vec<Stored> = written.records.into_iter().flatten().collect();
    let envelope = Envelope::of_records(model, None, &records);
    replayed(written.is_repeat, Ok(response::json_body(StatusCode::OK, envelope.into_bytes())))
}
