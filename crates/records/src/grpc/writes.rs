//! Requests that write: what they ask for, as all protocols say it.

use super::request::{Fields, id_of};
use groundplan_budget::Budget;
use groundplan_error::{Error, Refusals};
use groundplan_model::catalog::{MethodKind, Model};
use groundplan_operations::{Form, Operation, Transforms, Write, Writes};
use std::sync::Arc;

/// Whether a method writes, and if so, how each of its parts does.
pub(super) fn part_of(kind: MethodKind) -> Option<MethodKind> {
    use MethodKind as Kind;
    Some(match kind {
        Kind::Create | Kind::BatchCreate => Kind::Create,
        Kind::Update | Kind::BatchUpdate => Kind::Update,
        Kind::Delete | Kind::BatchDelete => Kind::Delete,
        Kind::Undelete => Kind::Undelete,
        _ => return None,
    })
}

/// What a request asks for. `part` is what [`part_of`] says of its method.
pub(super) fn of_request(
    model: &Arc<Model>,
    (kind, part): (MethodKind, MethodKind),
    request: &Fields<'_>,
    budget: &Budget,
) -> Result<Writes, Error> {
    let mut writes = if kind == part {
        Writes::single(model, operation(model, part, request, budget)?)
    } else {
        let list = request.parts.iter().enumerate().map(|(at, message)| {
            let write = of_part(model, part, message, budget);
            write.map_err(|error| error.within(&format!("requests[{at}]")))
        });
        Writes { list: Refusals::collect(list)?, form: Form::Batch, ..Writes::default() }
    };
    request.request_id.clone_into(&mut writes.request_id);
    writes.validate_only = request.validate_only;
    Ok(writes)
}

/// One request of a batch.
fn of_part(model: &Arc<Model>, part: MethodKind, message: &[u8], budget: &Budget) -> Result<Write, Error> {
    let request = Fields::read(model, part, message)?;
    for (name, is_given) in [("request_id", !request.request_id.is_empty()), ("validate_only", request.validate_only)] {
        if is_given {
            return Err(Error::field(name, "empty", "must be empty; the batch's own is for all of it"));
        }
    }
    Ok(Write { model: model.clone(), operation: operation(model, part, &request, budget)?, condition: String::new() })
}

/// What is to become of one record.
fn operation(model: &Model, part: MethodKind, request: &Fields<'_>, budget: &Budget) -> Result<Operation, Error> {
    let (id, etag, allow_missing) = (request.id.to_owned(), request.etag.to_owned(), request.allow_missing);
    Ok(match part {
        MethodKind::Create => Operation::Create { record: request.record(model, budget)?, local_ref: String::new() },
        MethodKind::Update => {
            let update = request.record(model, budget)?;
            let id = id_of(model, &update).to_owned();
            let (mask, transforms) = (request.mask(model)?, Transforms::default());
            Operation::Update { id, update, mask, transforms, etag, allow_missing }
        }
        MethodKind::Undelete => Operation::Undelete { id, etag },
        _ => Operation::Delete { id, etag, allow_missing },
    })
}
