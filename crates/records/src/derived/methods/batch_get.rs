//! The RPC BatchGetEntities.

use crate::derived::active_call::ActiveCall;
use crate::derived::codec::Reply;
use crate::derived::request::Fields;
use crate::operations;
use crate::operations::Place;
use groundplan_error::Error;
use tonic::Response;

pub(super) async fn handle(active: &ActiveCall, request: Fields<'_>) -> Result<Response<Reply>, Error> {
    let (records, included) =
        operations::batch_get(&active.call(), &request.ids, request.view(), Place::Requests).await?;
    Ok(Response::new(Reply::Batch { model: active.model().clone(), records, included }))
}
