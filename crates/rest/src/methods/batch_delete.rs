//! POST of `:batchDelete`: several records go at once.

use super::write_options::replayed;
use super::{Call, batch_writes};
use crate::response;
use crate::rest_error::RestError;
use axum::body::Body;
use groundplan_operations::{Backend, Operation};
use http::{HeaderMap, Response, StatusCode};

pub(super) async fn handle<B: Backend>(
    call: &Call<'_, B>,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response<Body>, RestError> {
    let written = batch_writes::write(
        call,
        (headers, body),
        ["id", "etag", "allowMissing"].map(str::to_owned).into(),
        |request| {
            Ok(Operation::Delete {
                id: request.text("id")?,
                etag: request.text("etag")?,
                allow_missing: request.flag("allowMissing")?,
            })
        },
    )
    .await?;
    if call.model.soft_delete.is_some() {
        return batch_writes::records(&call.model, written);
    }
    replayed(written.is_repeat, Ok(response::empty(StatusCode::NO_CONTENT)))
}
