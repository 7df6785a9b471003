//! `Import`: rows into a model.

use crate::state::Records;
use crate::transfer::import;
use groundplan_error::Error;
use groundplan_identity::Principal;
use groundplan_proto::records::v1::{ImportRequest, ImportResponse};
use tonic::Streaming;

pub(super) async fn run(
    records: &Records,
    principal: Principal,
    messages: Streaming<ImportRequest>,
) -> Result<ImportResponse, Error> {
    import(records.clone(), principal, messages).await
}
