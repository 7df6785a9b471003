//! `Commit`: writes of any models in one transaction.

use super::bounded::MEMORY;
use crate::call::Call;
use crate::operations;
use crate::served::Served;
use crate::state::Records;
use groundplan_budget::Budget;
use groundplan_call::offload_if_long;
use groundplan_codec::mask::UpdateMask;
use groundplan_codec::{Record, Value, wire};
use groundplan_error::Error;
use groundplan_identity::Caller;
use groundplan_model::catalog::Model;
use groundplan_operations::{Form, Operation, Transforms, Writes, Written};
use groundplan_proto::records::v1::write::Operation as Asked;
use groundplan_proto::records::v1::{CommitRequest, CommitResponse, CommitResult, Isolation, Update, Write};
use prost::Message as _;
use prost_types::{Any, FieldMask};
use std::sync::Arc;

/// Runs a commit. Also returns whether the response is that of an earlier call.
pub(super) async fn run(
    records: &Records,
    caller: &Caller,
    request: CommitRequest,
) -> Result<(CommitResponse, bool), Error> {
    let served = records.served()?;
    let isolation = Isolation::try_from(request.isolation).map_err(|_| {
        let words = "must be ISOLATION_READ_COMMITTED or ISOLATION_SERIALIZABLE, or absent";
        Error::field("isolation", "enum.defined_only", words)
    })?;
    let length = request.encoded_len();
    let (of, budget, list) = (served.clone(), caller.budget.clone(), request.writes);
    let list = offload_if_long(length, move || read(&of, list, &budget)).await??;
    // The request message no longer exists.
    caller.budget.release(length.saturating_mul(MEMORY));
    let writes = Writes {
        list,
        form: Form::Commit,
        request_id: request.request_id,
        validate_only: request.validate_only,
        is_serializable: isolation == Isolation::Serializable,
    };
    let models: Vec<Arc<Model>> = writes.list.iter().map(|write| write.model.clone()).collect();
    let first = models.first().ok_or_else(|| Error::field("writes", "repeated.min_items", "must have at least one"))?;
    let table = served.table(first).ok_or_else(|| Error::internal("a served model has no statements"))?.clone();
    let call = Call { records, principal: &caller.principal, budget: caller.budget.clone(), served, table };
    let Written { records, attempts, is_repeat, .. } = operations::write::write(&call, writes).await?;
    let results = models.iter().zip(records).map(|(model, stored)| match stored {
        None => CommitResult::default(),
        Some(stored) => {
            let type_url = format!("type.googleapis.com/{}", model.full_name);
            let mut value = Vec::new();
            wire::encode(&model.shapes, model.shape, &stored.record, &mut value);
            CommitResult { record: Some(Any { type_url, value }), etag: stored.etag }
        }
    });
    let attempts = i32::try_from(attempts).unwrap_or(i32::MAX);
    Ok((CommitResponse { results: results.collect(), attempts }, is_repeat))
}

fn read(served: &Served, list: Vec<Write>, budget: &Budget) -> Result<Vec<groundplan_operations::Write>, Error> {
    let read = |(at, write)| write_of(served, write, budget).map_err(|error| error.within(&format!("writes[{at}]")));
    list.into_iter().enumerate().map(read).collect()
}

fn write_of(served: &Served, write: Write, budget: &Budget) -> Result<groundplan_operations::Write, Error> {
    let asked = write.operation.ok_or_else(|| Error::field("operation", "required", "is required"))?;
    let (model, operation) = match asked {
        Asked::Create(create) => {
            let (model, record) = record_of(served, create.record, budget).map_err(|error| error.within("create"))?;
            (model, Operation::Create { record, local_ref: create.local_ref })
        }
        Asked::Update(update) => update_of(served, update, budget).map_err(|error| error.within("update"))?,
        Asked::Delete(delete) => {
            let model = served.named(&delete.model, "model").map_err(|error| error.within("delete"))?.model.clone();
            (model, Operation::Delete { id: delete.id, etag: delete.etag, allow_missing: delete.allow_missing })
        }
        Asked::Undelete(undelete) => {
            let model = served.named(&undelete.model, "model").map_err(|error| error.within("undelete"))?.model.clone();
            (model, Operation::Undelete { id: undelete.id, etag: undelete.etag })
        }
        Asked::Verify(verify) => {
            let model = served.named(&verify.model, "model").map_err(|error| error.within("verify"))?.model.clone();
            (model, Operation::Verify { id: verify.id, etag: verify.etag, is_missing: verify.missing })
        }
    };
    Ok(groundplan_operations::Write { model, operation, condition: write.condition })
}

fn update_of(served: &Served, update: Update, budget: &Budget) -> Result<(Arc<Model>, Operation), Error> {
    let (model, record) = record_of(served, update.record, budget)?;
    let paths = |mask: Option<FieldMask>| mask.map(|mask| mask.paths).unwrap_or_default();
    let id = match record.get(model.roles.id) {
        Some(Value::String(id)) => id.clone(),
        _ => String::new(),
    };
    let operation = Operation::Update {
        id,
        mask: UpdateMask::parse(&model.shapes, model.shape, &paths(update.update_mask))?,
        transforms: Transforms {
            increment: paths(update.increment),
            append: paths(update.append),
            remove: paths(update.remove),
            maximum: paths(update.maximum),
            minimum: paths(update.minimum),
            server_time: paths(update.server_time),
        },
        update: record,
        etag: update.etag,
        allow_missing: update.allow_missing,
    };
    Ok((model, operation))
}

fn record_of(served: &Served, record: Option<Any>, budget: &Budget) -> Result<(Arc<Model>, Record), Error> {
    let any = record.ok_or_else(|| Error::field("record", "required", "is required"))?;
    let name = any.type_url.rsplit('/').next().unwrap_or_default();
    let model = served.named(name, "record")?.model.clone();
    let record = wire::decode(&model.shapes, model.shape, &any.value, budget).map_err(Error::from);
    Ok((model, record.map_err(|error| error.within("record"))?))
}
