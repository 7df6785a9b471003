//! POST `:batchDelete`: deletes several records.

use super::write_options::replayed;
use super::{Call, Request, batch_writes};
use crate::response;
use crate::rest_error::RestError;
use axum::body::Body;
use groundplan_operations::{Backend, Operation};
use http::{Response, StatusCode};

pub(super) async fn handle<B: Backend>(call: &Call<'_, B>, request: Request<'_>) -> Result<Response<Body>, RestError> {
    let written =
        batch_writes::write(call, request, ["id", "etag", "allowMissing"].map(str::to_owned).into(), |item| {
            Ok(Operation::Delete {
                id: item.text("id")?,
                etag: item.text("etag")?,
                allow_missing: item.flag("allowMissing")?,
            })
        })
        .await?;
    if call.model.soft_delete.is_some() {
        return batch_writes::records(&call.model, written);
    }
    replayed(written.is_repeat, Ok(response::empty(StatusCode::NO_CONTENT)))
}
