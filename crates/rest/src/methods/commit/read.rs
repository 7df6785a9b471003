//! Reading one write of a commit.

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

/// What is written, and of which model.
type Read = Result<(Arc<Model>, Operation), Error>;

/// Reads a write.
pub(super) fn write(catalog: &Catalog, mut input: Input<'_>, budget: &Budget) -> Result<Write, Error> {
    let condition = input.text(CONDITION)?;
    let names: Vec<&str> = input.keys().collect();
    let name = match names.as_slice() {
        [name] => *name,
        [] => {
            let description = "must have one of create, update, delete, undelete, verify";
            return Err(invalid_parameter(input.place(), "oneof", description));
        }
        [first, second, ..] => {
            let description = format!("cannot be sent together with {first}; send two writes");
            return Err(invalid_parameter(input.path_of(second), "oneof", description));
        }
    };
    let (keys, read): (_, fn(&Catalog, Input<'_>, &Budget) -> Read) = match name {
        "create" => (CREATE, create),
        "update" => (UPDATE, update),
        "delete" => (DELETE, delete),
        "undelete" => (UNDELETE, undelete),
        _ => (VERIFY, verify),
    };
    let Some(within) = input.object(name, keys)? else {
        return Err(Error::internal(format!("{} exists and does not exist", input.path_of(name))));
    };
    let (model, operation) = read(catalog, within, budget)?;
    Ok(Write { model, operation, condition })
}

fn create(catalog: &Catalog, mut input: Input<'_>, budget: &Budget) -> Read {
    let Typed { model, decoded, .. } = input.typed(catalog, budget)?;
    let local_ref = input.text("localRef")?;
    Ok((model, Operation::Create { record: decoded.record, local_ref }))
}

fn update(catalog: &Catalog, mut input: Input<'_>, budget: &Budget) -> Read {
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
        None => mask::present_beside(&model, &decoded, &members, &all(&transforms))?,
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

/// The paths of all transforms.
fn all(transforms: &Transforms) -> Vec<String> {
    let Transforms { increment, append, remove, maximum, minimum, server_time } = transforms;
    [increment, append, remove, maximum, minimum, server_time].into_iter().flatten().cloned().collect()
}

fn delete(catalog: &Catalog, mut input: Input<'_>, _: &Budget) -> Read {
    let (model, id, etag) = named(catalog, &mut input)?;
    let allow_missing = input.flag("allowMissing")?;
    Ok((model, Operation::Delete { id, etag, allow_missing }))
}

fn undelete(catalog: &Catalog, mut input: Input<'_>, _: &Budget) -> Read {
    let (model, id, etag) = named(catalog, &mut input)?;
    Ok((model, Operation::Undelete { id, etag }))
}

fn verify(catalog: &Catalog, mut input: Input<'_>, _: &Budget) -> Read {
    let (model, id, etag) = named(catalog, &mut input)?;
    let is_missing = input.flag("missing")?;
    Ok((model, Operation::Verify { id, etag, is_missing }))
}

/// A record that is named, not sent.
fn named(catalog: &Catalog, input: &mut Input<'_>) -> Result<(Arc<Model>, String, String), Error> {
    Ok((input.model(catalog)?, input.text("id")?, input.text("etag")?))
}
