//! PATCH and PUT of a record.

use super::manner::{Manner, REQUEST_ID, VALIDATE_ONLY, replayed};
use super::precondition::{Precondition, Settled};
use super::{Call, decode, field_of_body, take_etag};
use crate::input::mask;
use crate::query::Query;
use crate::refusal::Refusal;
use crate::{Backend, Operation, Transforms, body};
use axum::body::Body;
use groundplan_codec::mask::UpdateMask;
use groundplan_codec::{Record, Value};
use groundplan_error::Error;
use groundplan_model::catalog::{IdFormat, Model};
use http::{HeaderMap, Response};

/// The query parameters, which are the fields of the gRPC request.
pub(super) const PARAMETERS: &[&str] = &[REQUEST_ID, VALIDATE_ONLY, "allowMissing"];

/// Where a parameter belongs that the body has room for.
pub(super) fn place(model: &Model, name: &str) -> Option<String> {
    match name {
        "updateMask" | "update_mask" => {
            let words =
                "the keys of a PATCH are its mask, and PUT replaces all; batchUpdate and commit take one in the body";
            Some(words.to_owned())
        }
        _ => field_of_body(model, name),
    }
}

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
    (headers, query): (&HeaderMap, &Query),
    body: Body,
    extent: Extent,
) -> Result<Response<Body>, Refusal> {
    let model = &call.model;
    let manner = Manner::of_query(headers, query)?;
    let may_be_missing = query.flag("allowMissing")?;
    let bytes = body::read_json(headers, body, call.max_body).await?;
    let mut decoded = decode(model, &bytes)?;
    settle_id(model, id, &mut decoded.record)?;
    let precondition = Precondition::new(headers, take_etag(model, &mut decoded.record))?;
    let allow_missing = may_be_missing && !precondition.needs_a_record();
    let mask = match extent {
        Extent::Whole => UpdateMask::All,
        Extent::Given => UpdateMask::of_fields(mask::present(model, &decoded)),
    };
    let settled = precondition.settle(call, id, &manner, allow_missing).await?;
    let etag = settled.etag().unwrap_or_default().to_owned();
    let (transforms, update) = (Transforms::default(), decoded.record);
    let operation = match settled {
        // Somebody may create it meanwhile: then this must not change it.
        Settled::Absent => Operation::Create { record: update, local_ref: String::new() },
        _ => Operation::Update { id: id.to_owned(), update, mask, transforms, etag, allow_missing },
    };
    let result = manner.write(call, operation).await;
    let written = result.map_err(|error| settled.refusal(error, &model.full_name, id))?;
    let is_repeat = written.is_repeat;
    let stored = written.into_single().ok_or_else(|| Error::internal("an update has given no record"))?;
    replayed(is_repeat, manner.answer(model, &stored))
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
