//! The RPC UpdateEntity.

use crate::derived::active_call::ActiveCall;
use crate::derived::codec::Reply;
use crate::derived::request::{Fields, id_of};
use crate::derived::writes;
use bytes::Bytes;
use groundplan_budget::Budget;
use groundplan_error::Error;
use groundplan_model::catalog::Model;
use groundplan_operations::{Operation, Transforms};
use tonic::Response;

pub(super) async fn handle(active: &ActiveCall, message: &Bytes) -> Result<Response<Reply>, Error> {
    writes::single(active, message, operation).await
}

/// Returns the operation of a request.
pub(super) fn operation(model: &Model, request: &Fields<'_>, budget: &Budget) -> Result<Operation, Error> {
    let update = request.record(model, budget)?;
    Ok(Operation::Update {
        id: id_of(model, &update).to_owned(),
        mask: request.mask(model)?,
        update,
        transforms: Transforms::default(),
        etag: request.etag.to_owned(),
        allow_missing: request.allow_missing,
    })
}
