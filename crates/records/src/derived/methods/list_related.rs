//! The RPCs that list the records that refer to a record, such as ListAuthorBooks.

use crate::derived::active_call::ActiveCall;
use crate::derived::codec::Reply;
use crate::derived::request::Fields;
use crate::operations;
use groundplan_error::Error;
use tonic::Response;

/// `referrer` is the index of the reference in the model's referrers.
pub(super) async fn handle(
    active: &ActiveCall,
    request: Fields<'_>,
    referrer: usize,
) -> Result<Response<Reply>, Error> {
    let page = operations::list_related(&active.call(), request.id, referrer, &request.list).await?;
    let referrer = active.model().referrers.get(referrer);
    let model = referrer.and_then(|referrer| active.served.catalog.model(&referrer.model));
    let model = model.ok_or_else(|| Error::internal("an inverse relation has no model"))?;
    Ok(Response::new(Reply::Page { model: model.clone(), page }))
}
