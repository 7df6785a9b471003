//! Writes, for all protocols.
//!
//! One write without special options is one statement. Everything else is one transaction: the request is [planned](plan)
//! and split into runs of writes of one kind and model, and each run is a few statements over all its records.

mod digest;
pub(crate) mod local;
mod park;
mod plan;
mod request;
mod response;
mod transaction;

use super::{create, delete, update};
use crate::call::Call;
use crate::store::request_ids::Key;
use groundplan_budget::Resource;
use groundplan_codec::Stored;
use groundplan_error::Error;
use groundplan_model::catalog::{MethodKind, Model};
use groundplan_operations::limits::MAX_REQUEST_ID;
use groundplan_operations::{Form, Operation, Write, Writes, Written, is_request_id};
use request::Request;

/// The gRPC path of a commit.
const COMMIT: &str = "/groundplan.records.v1.RecordsService/Commit";

/// Writes records: all that are requested, or none.
pub(crate) async fn write(call: &Call<'_>, writes: Writes) -> Result<Written, Error> {
    check_request_id(&writes.request_id)?;
    if !is_plain(call, &writes) {
        return together(call, &writes).await;
    }
    if let [Write { operation: Operation::Delete { id, etag, .. }, .. }] = writes.list.as_slice() {
        return if delete::delete_alone(call, id, etag).await? {
            Ok(once(None))
        } else {
            together(call, &writes).await
        };
    }
    match writes.list.into_iter().next().map(|write| write.operation) {
        Some(Operation::Create { record, .. }) => {
            let created = create::create(call, record).await?;
            Ok(Written { created: vec![true], ..once(Some(created)) })
        }
        Some(Operation::Update { id, update, mask, etag, .. }) => {
            update::update(call, &id, update, &mask, &etag).await.map(Some).map(once)
        }
        _ => Err(Error::internal("this is not a plain write")),
    }
}

/// Returns the result of one write without a transaction.
fn once(stored: Option<Stored>) -> Written {
    Written { records: vec![stored], created: vec![false], attempts: 1, is_repeat: false }
}

/// Returns whether the request is one write that a single statement can do, because only the record decides the outcome.
fn is_plain(call: &Call<'_>, writes: &Writes) -> bool {
    let [write] = writes.list.as_slice() else { return false };
    let model = &call.table.model;
    let refers_to_hidden = call.table.refers_to_hidden;
    let is_plain = match &write.operation {
        Operation::Create { .. } => !refers_to_hidden && model.expiry.is_none(),
        Operation::Update { transforms, allow_missing, .. } => {
            !allow_missing && transforms.is_empty() && !refers_to_hidden
        }
        Operation::Delete { allow_missing, .. } => {
            !allow_missing && model.soft_delete.is_none() && model.referrers.is_empty()
        }
        Operation::Undelete { .. } | Operation::Verify { .. } => false,
    };
    let asks_for_more = writes.validate_only || writes.is_serializable || !writes.request_id.is_empty();
    is_plain && !asks_for_more && writes.form == Form::Single && write.condition.is_empty()
}

/// The number of copies that a transaction creates of the records in a request.
const COPIES: usize = 4;

/// Writes in one transaction.
async fn together(call: &Call<'_>, writes: &Writes) -> Result<Written, Error> {
    // The plan, the prepared records and the response each have a copy of the decoded records; the bytes sent are the
    // fourth.
    let decoded = usize::try_from(call.budget.spent(Resource::Bytes)).unwrap_or(usize::MAX);
    call.budget.hold(decoded.saturating_mul(COPIES))?;
    let planned = plan::plan(call, writes).await?;
    let method = method_of(writes);
    let request = (!writes.request_id.is_empty()).then(|| Request {
        key: Key {
            tenant: &call.principal.tenant,
            principal: &call.principal.name,
            method: &method,
            request_id: &writes.request_id,
        },
        digest: digest::of_writes(writes),
    });
    transaction::run(call, &planned, writes, request.as_ref()).await
}

/// Returns the gRPC path of the called method.
fn method_of(writes: &Writes) -> String {
    let Some(write) = writes.list.first() else { return String::new() };
    let model: &Model = &write.model;
    let (single, batch) = match write.operation {
        Operation::Create { .. } => (MethodKind::Create, MethodKind::BatchCreate),
        Operation::Update { .. } => (MethodKind::Update, MethodKind::BatchUpdate),
        Operation::Delete { .. } => (MethodKind::Delete, MethodKind::BatchDelete),
        Operation::Undelete { .. } | Operation::Verify { .. } => (MethodKind::Undelete, MethodKind::Undelete),
    };
    match writes.form {
        Form::Single => model.method_path(single),
        Form::Batch => model.method_path(batch),
        Form::Commit => COMMIT.to_owned(),
    }
}

fn check_request_id(text: &str) -> Result<(), Error> {
    if text.is_empty() || is_request_id(text) {
        return Ok(());
    }
    let words = format!("must be at most {MAX_REQUEST_ID} visible ASCII characters; a UUID is best");
    Err(Error::field("request_id", "string.pattern", words))
}
