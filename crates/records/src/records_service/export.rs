//! `Export`: the records of a model.

use super::Messages;
use crate::derived::streaming::ended;
use crate::state::Records;
use crate::transfer::export;
use futures_util::StreamExt as _;
use groundplan_error::Error;
use groundplan_identity::Principal;
use groundplan_proto::records::v1::{ExportRequest, ExportResponse};

pub(super) async fn run(
    records: &Records,
    principal: Principal,
    request: ExportRequest,
) -> Result<Messages<ExportResponse>, Error> {
    let messages = export(records.clone(), principal, request).await?;
    Ok(messages.map(|message| message.map_err(ended)).boxed())
}
