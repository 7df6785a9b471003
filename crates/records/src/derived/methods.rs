//! The derived methods, one file each, and their dispatch.

mod aggregate;
mod batch_create;
mod batch_delete;
mod batch_get;
mod batch_update;
mod create;
mod delete;
mod explain_list;
mod get;
mod list;
mod list_related;
mod list_revisions;
mod undelete;
mod update;
mod watch;

use super::active_call::ActiveCall;
use super::codec::Reply;
use super::request::Fields;
use super::streaming::Replies;
use bytes::Bytes;
use groundplan_error::Error;
use groundplan_model::catalog::MethodKind;
use tonic::Response;

/// Runs a method with one response.
pub(super) async fn unary(active: &ActiveCall, message: &Bytes) -> Result<Response<Reply>, Error> {
    let request = || Fields::read(active.model(), active.kind, message);
    match active.kind {
        MethodKind::Create => create::handle(active, message).await,
        MethodKind::Update => update::handle(active, message).await,
        MethodKind::Delete => delete::handle(active, message).await,
        MethodKind::Undelete => undelete::handle(active, message).await,
        MethodKind::BatchCreate => batch_create::handle(active, message).await,
        MethodKind::BatchUpdate => batch_update::handle(active, message).await,
        MethodKind::BatchDelete => batch_delete::handle(active, message).await,
        MethodKind::Get => get::handle(active, request()?).await,
        MethodKind::BatchGet => batch_get::handle(active, request()?).await,
        MethodKind::List => list::handle(active, request()?).await,
        MethodKind::ListRelated(at) => list_related::handle(active, request()?, usize::from(at)).await,
        MethodKind::ListRevisions => list_revisions::handle(active, request()?).await,
        MethodKind::ExplainList => explain_list::handle(active, request()?).await,
        MethodKind::Aggregate => aggregate::handle(active, request()?).await,
        MethodKind::Watch => Err(Error::internal("a stream is not a method with one response")),
    }
}

/// Runs the only method with a stream of responses, WatchEntities.
pub(super) async fn server_streaming(active: &ActiveCall, message: &Bytes) -> Result<Replies, Error> {
    watch::handle(active, message).await
}
