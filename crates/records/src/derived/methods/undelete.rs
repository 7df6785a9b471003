//! The RPC UndeleteEntity.

use crate::derived::active_call::ActiveCall;
use crate::derived::codec::Reply;
use crate::derived::request::Fields;
use crate::derived::writes;
use bytes::Bytes;
use groundplan_budget::Budget;
use groundplan_error::Error;
use groundplan_model::catalog::Model;
use groundplan_operations::Operation;
use tonic::Response;

pub(super) async fn handle(active: &ActiveCall, message: &Bytes) -> Result<Response<Reply>, Error> {
    writes::single(active, message, operation).await
}

/// Returns the operation of a request.
pub(super) fn operation(_: &Model, request: &Fields<'_>, _: &Budget) -> Result<Operation, Error> {
    Ok(Operation::Undelete { id: request.id.to_owned(), etag: request.etag.to_owned() })
}
