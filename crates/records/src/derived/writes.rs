//! Methods that write: one record, or a batch.

use super::active_call::ActiveCall;
use super::codec::Reply;
use super::request::Fields;
use super::response::written_records;
use crate::operations::write::write;
use bytes::Bytes;
use groundplan_budget::Budget;
use groundplan_call::offload_if_long;
use groundplan_error::{Error, ErrorCollector};
use groundplan_model::catalog::{MethodKind, Model};
use groundplan_operations::{Form, Operation, Write, Writes, Written};
use std::sync::Arc;
use tonic::Response;

/// A function that reads the operation of a request, or of one request of a batch.
type ReadOperation = fn(&Model, &Fields<'_>, &Budget) -> Result<Operation, Error>;

/// Runs a method that writes one record.
pub(super) async fn single(
    active: &ActiveCall,
    message: &Bytes,
    operation: ReadOperation,
) -> Result<Response<Reply>, Error> {
    let read = move |model: &Arc<Model>, request: &Fields<'_>, budget: &Budget| {
        Ok(Writes::single(model, operation(model, request, budget)?))
    };
    written_records(active.model(), true, run(active, message, read).await?)
}

/// Runs a method that writes a batch. `part` is the method of the requests in the batch.
pub(super) async fn batch(
    active: &ActiveCall,
    message: &Bytes,
    part: MethodKind,
    operation: ReadOperation,
) -> Result<Response<Reply>, Error> {
    let read = move |model: &Arc<Model>, request: &Fields<'_>, budget: &Budget| {
        let list = request.parts.iter().enumerate().map(|(at, message)| {
            let write = read_part(model, part, message, budget, operation);
            write.map_err(|error| error.within(&format!("requests[{at}]")))
        });
        Ok(Writes { list: ErrorCollector::collect(list)?, form: Form::Batch, ..Writes::default() })
    };
    written_records(active.model(), false, run(active, message, read).await?)
}

/// Reads the writes of a message, with the options that all methods have, and writes.
async fn run(
    active: &ActiveCall,
    message: &Bytes,
    read: impl FnOnce(&Arc<Model>, &Fields<'_>, &Budget) -> Result<Writes, Error> + Send + 'static,
) -> Result<Written, Error> {
    let (model, kind, budget) = (active.model().clone(), active.kind, active.caller.budget.clone());
    let (length, message) = (message.len(), message.clone());
    let read = move || -> Result<Writes, Error> {
        let request = Fields::read(&model, kind, &message)?;
        let mut writes = read(&model, &request, &budget)?;
        request.request_id.clone_into(&mut writes.request_id);
        writes.validate_only = request.validate_only;
        Ok(writes)
    };
    // Long messages are read on another thread, so that other calls do not wait.
    let writes = offload_if_long(length, read).await??;
    write(&active.call(), writes).await
}

/// Reads one request of a batch.
fn read_part(
    model: &Arc<Model>,
    part: MethodKind,
    message: &[u8],
    budget: &Budget,
    operation: ReadOperation,
) -> Result<Write, Error> {
    let request = Fields::read(model, part, message)?;
    for (name, is_given) in [("request_id", !request.request_id.is_empty()), ("validate_only", request.validate_only)] {
        if is_given {
            return Err(Error::field(name, "empty", "must be empty; the batch's own is for all of it"));
        }
    }
    Ok(Write { model: model.clone(), operation: operation(model, &request, budget)?, condition: String::new() })
}
