//! The RPC BatchCreateEntities.

use super::create::operation;
use crate::derived::active_call::ActiveCall;
use crate::derived::codec::Reply;
use crate::derived::writes;
use bytes::Bytes;
use groundplan_error::Error;
use groundplan_model::catalog::MethodKind;
use tonic::Response;

pub(super) async fn handle(active: &ActiveCall, message: &Bytes) -> Result<Response<Reply>, Error> {
    writes::batch(active, message, MethodKind::Create, operation).await
}
