//! PATCH and PUT of a record.

use super::precondition::Precondition;
use super::{Call, decode};
use crate::refusal::Refusal;
use crate::{Backend, Operation, Transforms, Writes, answer, body};
use axum::body::Body;
use groundplan_codec::mask::UpdateMask;
use groundplan_codec::{Record, Value};
use groundplan_error::Error;
use groundplan_model::catalog::{IdFormat, Model};
use http::{HeaderMap, Response, StatusCode};

/// How much of the record the body stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// PATCH: the fields whose keys are there. `null` clears one.
    Given,
    /// PUT: all of it. What is not there is cleared.
    Whole,
}

pub(super) async fn answer<B: Backend>(
    call: &Call<'_, B>,
    id: &str,
    headers: &HeaderMap,
    body: Body,
    extent: Extent,
) -> Result<Response<Body>, Refusal> {
    let model = &call.model;
    let bytes = body::read_json(headers, body, call.max_body).await?;
    let mut decoded = decode(model, &bytes)?;
    settle_id(model, id, &mut decoded.record)?;
    let precondition = Precondition::new(headers, take_etag(model, &mut decoded.record))?;
    let mask = match extent {
        Extent::Whole => UpdateMask::All,
        Extent::Given => {
            decoded.present.retain(|field| *field != model.roles.id && Some(*field) != model.roles.etag);
            UpdateMask::of_fields(decoded.present)
        }
    };
    let settled = precondition.settle(call, id).await?;
    let operation = Operation::Update {
        id: id.to_owned(),
        update: decoded.record,
        mask,
        transforms: Transforms::default(),
        etag: settled.etag().unwrap_or_default().to_owned(),
        allow_missing: false,
    };
    let result = call.backend.write(&call.caller, Writes::single(model, operation)).await;
    let written = result.map_err(|error| settled.refusal(error, &model.full_name, id))?;
    let stored = written.into_single().ok_or_else(|| Error::internal("an update has given no record"))?;
    answer::record(StatusCode::OK, model, &stored)
}

/// An id in the body may repeat the path's, not contradict it. Behind this, the record has the path's.
fn settle_id(model: &Model, id: &str, record: &mut Record) -> Result<(), Error> {
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

/// The etag in the body is a condition, not a value to store.
fn take_etag(model: &Model, record: &mut Record) -> Option<String> {
    match record.take(model.roles.etag?) {
        Some(Value::String(etag)) => Some(etag),
        _ => None,
    }
}
