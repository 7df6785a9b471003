//! The RPC GetEntity.

use crate::derived::active_call::ActiveCall;
use crate::derived::codec::Reply;
use crate::derived::request::Fields;
use crate::derived::response::one_record;
use crate::operations;
use groundplan_error::Error;
use tonic::Response;

pub(super) async fn handle(active: &ActiveCall, request: Fields<'_>) -> Result<Response<Reply>, Error> {
    let call = active.call();
    let (stored, _) = match request.read_time {
        None => operations::get(&call, request.id, request.view()).await?,
        Some(time) => operations::get_past(&call, request.id, request.view(), time).await?,
    };
    one_record(active.model(), stored)
}
