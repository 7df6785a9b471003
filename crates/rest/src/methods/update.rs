//! PATCH and PUT of a record: updates it.

use super::create::created;
use super::precondition::{ExpectedEtag, Precondition};
use super::write_options::{REQUEST_ID, VALIDATE_ONLY, WriteOptions, replayed};
use super::{Call, Request, decode, record_field_hint, take_etag};
use crate::input::mask;
use crate::rest_error::RestError;
use crate::{body, json_field_paths};
use axum::body::Body;
use groundplan_codec::mask::UpdateMask;
use groundplan_codec::{Record, Value, json};
use groundplan_error::Error;
use groundplan_model::catalog::{IdFormat, Model};
use groundplan_operations::{Backend, Operation, Transforms};
use http::{HeaderMap, Method, Response};

/// The query parameters, which are the fields of the gRPC request.
pub(super) const PARAMETERS: &[&str] = &[REQUEST_ID, VALIDATE_ONLY, "allowMissing"];

/// The hint for a parameter that belongs in the body.
pub(super) fn hint(model: &Model, name: &str) -> Option<String> {
    match name {
        "updateMask" | "update_mask" => {
            let message = "the keys of a PATCH are its mask, and PUT replaces all fields; batchUpdate and commit accept a mask in the body";
            Some(message.to_owned())
        }
        _ => record_field_hint(model, name),
    }
}

/// The fields that the body replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UpdateScope {
    /// PATCH: the fields whose keys are present; `null` clears a field. A JSON merge patch merges recursively.
    PresentFields,
    /// PUT: all fields; absent fields are cleared.
    AllFields,
}

pub(super) async fn handle<B: Backend>(call: &Call<'_, B>, request: Request<'_>) -> Result<Response<Body>, RestError> {
    let http_method = request.http_method.clone();
    let result = update(call, request).await;
    result.map_err(|error| if http_method == Method::PATCH { error.with_patch_media_types() } else { error })
}

async fn update<B: Backend>(call: &Call<'_, B>, request: Request<'_>) -> Result<Response<Body>, RestError> {
    let Request { target, http_method, headers, query, body, .. } = request;
    let id = target.id();
    let scope = if http_method == Method::PUT { UpdateScope::AllFields } else { UpdateScope::PresentFields };
    let model = &call.model;
    let options = WriteOptions::from_query(&headers, &query)?;
    let may_be_missing = query.flag("allowMissing")?;
    let (mut update, mask) = read(call, &headers, body, scope).await?;
    resolve_id(model, id, &mut update)?;
    let precondition = Precondition::new(&headers, take_etag(model, &mut update))?;
    let is_to_create = scope == UpdateScope::AllFields && precondition.needs_no_record();
    let allow_missing = (may_be_missing || is_to_create) && !precondition.needs_a_record();
    let expected = precondition.resolve(call, id, &options, allow_missing).await?;
    let etag = expected.etag().unwrap_or_default().to_owned();
    let transforms = Transforms::default();
    let operation = match expected {
        // Another call might create the record meanwhile. This call must not change it.
        ExpectedEtag::Absent => Operation::Create { record: update, local_ref: String::new() },
        _ => Operation::Update { id: id.to_owned(), update, mask, transforms, etag, allow_missing },
    };
    let result = options.write(call, operation).await;
    let written = result.map_err(|error| expected.to_rest_error(error, &model.full_name, id))?;
    let (is_repeat, has_created) = (written.is_repeat, written.has_created());
    let stored = written.into_single().ok_or_else(|| Error::internal("an update has given no record"))?;
    replayed(
        is_repeat,
        if has_created { created(model, &stored, &options) } else { options.record_response(model, &stored) },
    )
}

/// Reads the body and the mask of the fields to change.
async fn read<B: Backend>(
    call: &Call<'_, B>,
    headers: &HeaderMap,
    body: Body,
    scope: UpdateScope,
) -> Result<(Record, UpdateMask), RestError> {
    let model = &call.model;
    if scope == UpdateScope::AllFields {
        let bytes = body::read_json(headers, body, call.max_body).await?;
        return Ok((decode(call, bytes).await?.record, UpdateMask::All));
    }
    if body::is_merge_patch(headers) {
        let bytes = body::read_patch(headers, body, call.max_body).await?;
        let patch = json::decode_patch(&model.shapes, model.shape, &bytes, &call.caller.budget);
        let (update, merge) = patch.map_err(|error| json_field_paths::of_record(model, error.into()))?;
        return Ok((update, UpdateMask::Merge(merge.without_fields(&mask::identity_fields(model)))));
    }
    let bytes = body::read_patch(headers, body, call.max_body).await?;
    let decoded = decode(call, bytes).await?;
    let mask = UpdateMask::from_fields(mask::present(model, &decoded));
    Ok((decoded.record, mask))
}

/// Checks that the id in the body, if any, is that of the path, and sets the id of the path.
fn resolve_id(model: &Model, id: &str, record: &mut Record) -> Result<(), Error> {
    if let Some(Value::String(given)) = record.get(model.roles.id) {
        let same = match model.id_format {
            IdFormat::UuidV7 => given.eq_ignore_ascii_case(id),
            IdFormat::ClientAssigned => given == id,
        };
        if !same {
            let name = &model.shape().field(model.roles.id).name;
            let description = format!("is {given:?} in the body but {id:?} in the path; leave it out of the body");
            return Err(Error::field(name.as_str(), "path_id", description));
        }
    }
    record.set(model.roles.id, Some(Value::String(id.to_owned())));
    Ok(())
}
