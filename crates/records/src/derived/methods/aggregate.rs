//! The RPC AggregateEntities.

use crate::derived::active_call::ActiveCall;
use crate::derived::codec::Reply;
use crate::derived::request::Fields;
use crate::operations;
use groundplan_error::Error;
use tonic::Response;

pub(super) async fn handle(active: &ActiveCall, request: Fields<'_>) -> Result<Response<Reply>, Error> {
    let response = operations::aggregate(&active.call(), &request.aggregate()).await?;
    Ok(Response::new(Reply::Aggregate(response)))
}
