//! The RPC ListEntityRevisions.

use crate::derived::active_call::ActiveCall;
use crate::derived::codec::Reply;
use crate::derived::request::Fields;
use crate::operations;
use groundplan_error::Error;
use tonic::Response;

pub(super) async fn handle(active: &ActiveCall, request: Fields<'_>) -> Result<Response<Reply>, Error> {
    let id = request.id.to_owned();
    let page = operations::list_revisions(&active.call(), &id, &request.history()).await?;
    Ok(Response::new(Reply::History { model: active.model().clone(), page }))
}
