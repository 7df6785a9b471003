//! Reads one write of a commit.

use crate::input::{Input, Typed, mask};
use crate::methods::batch_update::{id_of, resolve_etag};
use crate::parameter_errors::invalid_parameter;
use groundplan_budget::Budget;
use groundplan_error::Error;
use groundplan_model::catalog::{Catalog, Model};
use groundplan_operations::{Operation, Transforms, Write};
use std::sync::Arc;

const CONDITION: &str = "condition";

/// The keys of a write.
pub(super) const KEYS: &[&str] = &["create", "update", "delete", "undelete", "verify", CONDITION];

const CREATE: &[&str] = &["record", "localRef"];
const UPDATE: &[&str] = &[
    "record",
    "updateMask",
    "etag",
    "allowMissing",
    "increment",
    "append",
    "remove",
    "maximum",
    "minimum",
    "serverTime",
];
const DELETE: &[&str] = &["model", "id", "etag", "allowMissing"];
const UNDELETE: &[&str] = &["model", "id", "etag"];
const VERIFY: &[&str] = &["model", "id", "etag", "missing"];

/// The model and the operation of a write.
type ReadWrite = Result<(Arc<Model>, Operation), Error>;

/// Reads a write.
pub(super) fn write(catalog: &Catalog, mut input: Input<'_>, budget: &Budget) -> Result<Write, Error> {
    let condition = input.text(CONDITION)?;
    let names: Vec<&str> = input.keys().collect();
    let name = match names.as_slice() {
        [name] => *name,
        [] => {
            let description = "must have one of create, update, delete, undelete, verify";
            return Err(invalid_parameter(input.object_path(), "oneof", description));
        }
        [first, second, ..] => {
            let description = format!("cannot be sent together with {first}; send two writes");
            return Err(invalid_parameter(input.path_of(second), "oneof", description));
        }
    };
    let (keys, read): (_, fn(&Catalog, Input<'_>, &Budget) -> ReadWrite) = match name {
        "create" => (CREATE, create),
        "update" => (UPDATE, update),
        "delete" => (DELETE, delete),
        "undelete" => (UNDELETE, undelete),
        _ => (VERIFY, verify),
    };
    let Some(object) = input.object(name, keys)? else {
        return Err(Error::internal(format!("{} exists and does not exist", input.path_of(name))));
    };
    let (model, operation) = read(catalog, object, budget)?;
    Ok(Write { model, operation, condition })
}

fn create(catalog: &Catalog, mut input: Input<'_>, budget: &Budget) -> ReadWrite {
    let Typed { model, decoded, .. } = input.typed(catalog, budget)?;
    let local_ref = input.text("localRef")?;
    Ok((model, Operation::Create { record: decoded.record, local_ref }))
}

fn update(catalog: &Catalog, mut input: Input<'_>, budget: &Budget) -> ReadWrite {
    let Typed { model, mut decoded, members } = input.typed(catalog, budget)?;
    let given = input.update_mask(&model)?;
    let transforms = Transforms {
        increment: input.paths("increment")?,
        append: input.paths("append")?,
        remove: input.paths("remove")?,
        maximum: input.paths("maximum")?,
        minimum: input.paths("minimum")?,
        server_time: input.paths("serverTime")?,
    };
    let mask = match given {
        Some(mask) => mask,
        None => mask::present_without(&model, &decoded, &members, &all_paths(&transforms))?,
    };
    let operation = Operation::Update {
        id: id_of(&model, &decoded.record, &input.path_of("record"))?,
        etag: resolve_etag(&model, &mut input, "record", &mut decoded.record)?,
        update: decoded.record,
        mask,
        transforms,
        allow_missing: input.flag("allowMissing")?,
    };
    Ok((model, operation))
}

/// All paths of the transforms.
fn all_paths(transforms: &Transforms) -> Vec<String> {
    let Transforms { increment, append, remove, maximum, minimum, server_time } = transforms;
    [increment, append, remove, maximum, minimum, server_time].into_iter().flatten().cloned().collect()
}

fn delete(catalog: &Catalog, mut input: Input<'_>, _: &Budget) -> ReadWrite {
    let (model, id, etag) = record_key(catalog, &mut input)?;
    let allow_missing = input.flag("allowMissing")?;
    Ok((model, Operation::Delete { id, etag, allow_missing }))
}

fn undelete(catalog: &Catalog, mut input: Input<'_>, _: &Budget) -> ReadWrite {
    let (model, id, etag) = record_key(catalog, &mut input)?;
    Ok((model, Operation::Undelete { id, etag }))
}

fn verify(catalog: &Catalog, mut input: Input<'_>, _: &Budget) -> ReadWrite {
    let (model, id, etag) = record_key(catalog, &mut input)?;
    let is_missing = input.flag("missing")?;
    Ok((model, Operation::Verify { id, etag, is_missing }))
}

/// Reads the model, the id and the etag of a record.
fn record_key(catalog: &Catalog, input: &mut Input<'_>) -> Result<(Arc<Model>, String, String), Error> {
    Ok((input.model(catalog)?, input.text("id")?, input.text("etag")?))
}
