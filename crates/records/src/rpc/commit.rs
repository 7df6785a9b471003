//! `Commit`: writes of any models in one transaction.

use crate::operations::{self, Call};
use crate::service::Records;
use groundplan_chassis::principal::Principal;
use groundplan_codec::mask::UpdateMask;
use groundplan_codec::{Record, Value, wire};
use groundplan_error::Error;
use groundplan_model::catalog::{Catalog, Model};
use groundplan_proto::records::v1::write::Operation as Asked;
use groundplan_proto::records::v1::{CommitRequest, CommitResponse, CommitResult, Isolation, Update, Write};
use groundplan_rest::{Form, Operation, Transforms, Writes, Written};
use prost_types::{Any, FieldMask};
use std::sync::Arc;

/// Says in the metadata of an answer that it was given before.
pub(crate) const REPLAYED: &str = "idempotency-replayed";

/// Does what the request asks for; says besides whether it is the answer to an earlier call.
pub(super) async fn run(
    records: &Records,
    principal: &Principal,
    request: CommitRequest,
) -> Result<(CommitResponse, bool), Error> {
    let served = records.served()?;
    let isolation = Isolation::try_from(request.isolation).map_err(|_| {
        let words = "must be ISOLATION_READ_COMMITTED or ISOLATION_SERIALIZABLE, or absent";
        Error::field("isolation", "enum.defined_only", words)
    })?;
    let list =
        request.writes.into_iter().enumerate().map(|(at, write)| {
            write_of(&served.catalog, write).map_err(|error| error.within(&format!("writes[{at}]")))
        });
    let writes = Writes {
        list: list.collect::<Result<_, Error>>()?,
        form: Form::Commit,
        request_id: request.request_id,
        validate_only: request.validate_only,
        is_serializable: isolation == Isolation::Serializable,
    };
    let models: Vec<Arc<Model>> = writes.list.iter().map(|write| write.model.clone()).collect();
    let first = models.first().ok_or_else(|| Error::field("writes", "repeated.min_items", "must have at least one"))?;
    let table = served.table(first).ok_or_else(|| Error::internal("a served model has no statements"))?.clone();
    let call = Call { records, principal, served, table };
    let Written { records, attempts, is_repeat } = operations::write::write(&call, writes).await?;
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

fn write_of(catalog: &Catalog, write: Write) -> Result<groundplan_rest::Write, Error> {
    let asked = write.operation.ok_or_else(|| Error::field("operation", "required", "is required"))?;
    let (model, operation) = match asked {
        Asked::Create(create) => {
            let (model, record) = record_of(catalog, create.record).map_err(|error| error.within("create"))?;
            (model, Operation::Create { record, local_ref: create.local_ref })
        }
        Asked::Update(update) => update_of(catalog, update).map_err(|error| error.within("update"))?,
        Asked::Delete(delete) => {
            let model = model_of(catalog, &delete.model, "model").map_err(|error| error.within("delete"))?;
            (model, Operation::Delete { id: delete.id, etag: delete.etag, allow_missing: delete.allow_missing })
        }
        Asked::Undelete(undelete) => {
            let model = model_of(catalog, &undelete.model, "model").map_err(|error| error.within("undelete"))?;
            (model, Operation::Undelete { id: undelete.id, etag: undelete.etag })
        }
        Asked::Verify(verify) => {
            let model = model_of(catalog, &verify.model, "model").map_err(|error| error.within("verify"))?;
            (model, Operation::Verify { id: verify.id, etag: verify.etag, is_missing: verify.missing })
        }
    };
    Ok(groundplan_rest::Write { model, operation, condition: write.condition })
}

fn update_of(catalog: &Catalog, update: Update) -> Result<(Arc<Model>, Operation), Error> {
    let (model, record) = record_of(catalog, update.record)?;
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

fn record_of(catalog: &Catalog, record: Option<Any>) -> Result<(Arc<Model>, Record), Error> {
    let any = record.ok_or_else(|| Error::field("record", "required", "is required"))?;
    let name = any.type_url.rsplit('/').next().unwrap_or_default();
    let model = model_of(catalog, name, "record")?;
    let record = wire::decode(&model.shapes, model.shape, &any.value).map_err(Error::from);
    Ok((model, record.map_err(|error| error.within("record"))?))
}

fn model_of(catalog: &Catalog, name: &str, field: &str) -> Result<Arc<Model>, Error> {
    catalog.model(name).cloned().ok_or_else(|| {
        let known = catalog.models.iter().map(|model| model.full_name.as_str());
        let suggestion = groundplan_codec::suggestion(name, known);
        let words = format!("must name a model by its full name; there is no {name:?}{suggestion}");
        Error::field(field, "model", words)
    })
}
