//! POST `:batchUpdate`: updates several records.

use super::precondition::unquoted;
use super::{Call, Request, batch_writes, take_etag};
use crate::input::{Input, mask};
use crate::json_field_paths::record_key;
use crate::parameter_errors::invalid_parameter;
use crate::rest_error::RestError;
use axum::body::Body;
use groundplan_budget::Budget;
use groundplan_codec::mask::UpdateMask;
use groundplan_codec::{Record, Value};
use groundplan_error::Error;
use groundplan_model::catalog::Model;
use groundplan_operations::{Backend, Operation, Transforms};
use http::Response;

pub(super) async fn handle<B: Backend>(call: &Call<'_, B>, request: Request<'_>) -> Result<Response<Body>, RestError> {
    let key = record_key(&call.model);
    let keys = [key.as_str(), "updateMask", "etag", "allowMissing"].map(str::to_owned).into();
    let (model, budget) = (call.model.clone(), call.caller.budget.clone());
    let read = move |item: &mut Input<'_>| read(&model, &key, item, &budget);
    let written = batch_writes::write(call, request, keys, read).await?;
    batch_writes::records(&call.model, written)
}

fn read(model: &Model, key: &str, request: &mut Input<'_>, budget: &Budget) -> Result<Operation, Error> {
    let mut decoded = request.record(key, model, budget)?;
    let given = request.update_mask(model)?;
    let mask = given.unwrap_or_else(|| UpdateMask::from_fields(mask::present(model, &decoded)));
    let etag = resolve_etag(model, request, key, &mut decoded.record)?;
    Ok(Operation::Update {
        id: id_of(model, &decoded.record, &request.path_of(key))?,
        update: decoded.record,
        mask,
        transforms: Transforms::default(),
        etag,
        allow_missing: request.flag("allowMissing")?,
    })
}

/// The expected etag: that of the request or that of its record. If both are present, they must be equal.
pub(super) fn resolve_etag(
    model: &Model,
    request: &mut Input<'_>,
    key: &str,
    record: &mut Record,
) -> Result<String, Error> {
    let given = request.text("etag")?;
    let within = take_etag(model, record).unwrap_or_default();
    match (given.is_empty(), within.is_empty()) {
        (true, _) => Ok(within),
        (false, false) if unquoted(&given) != unquoted(&within) => {
            let description = format!("is not the etag in {key}; send one of them");
            Err(invalid_parameter(request.path_of("etag"), "etag", description))
        }
        (false, _) => Ok(given),
    }
}

/// The id of the record to update, which the new values must include.
pub(super) fn id_of(model: &Model, record: &Record, place: &str) -> Result<String, Error> {
    match record.get(model.roles.id) {
        Some(Value::String(id)) if !id.is_empty() => Ok(id.clone()),
        _ => {
            let name = &model.shape().field(model.roles.id).json_name;
            Err(invalid_parameter(format!("{place}.{name}"), "required", "is required: it selects the record"))
        }
    }
}
