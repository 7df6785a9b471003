//! POST of `:batchDelete`: several records go at once.

use super::manner::replayed;
use super::{Call, batch};
use crate::answer;
use crate::refusal::Refusal;
use axum::body::Body;
use groundplan_operations::{Backend, Operation};
use http::{HeaderMap, Response, StatusCode};

pub(super) async fn answer<B: Backend>(
    call: &Call<'_, B>,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response<Body>, Refusal> {
    let written =
        batch::write(call, (headers, body), ["id", "etag", "allowMissing"].map(str::to_owned).into(), |request| {
            Ok(Operation::Delete {
                id: request.text("id")?,
                etag: request.text("etag")?,
                allow_missing: request.flag("allowMissing")?,
            })
        })
        .await?;
    if call.model.soft_delete.is_some() {
        return batch::records(&call.model, written);
    }
    replayed(written.is_repeat, Ok(answer::empty(StatusCode::NO_CONTENT)))
}
