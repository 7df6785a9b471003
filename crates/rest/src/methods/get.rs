//! GET of a record.

use super::{Call, Request};
use crate::parameter_errors::{invalid_parameter, with_rest_names};
use crate::projection::Projection;
use crate::query::Query;
use crate::response::{self, Envelope};
use crate::rest_error::RestError;
use crate::{etag, time};
use axum::body::Body;
use groundplan_error::Error;
use groundplan_model::catalog::Model;
use groundplan_operations::Backend;
use http::{Response, StatusCode};

/// The query parameters, which are the fields of the gRPC request.
pub(super) const PARAMETERS: &[&str] = &["readMask", "expand", READ_TIME];

/// Requests the record as of this time.
const READ_TIME: &str = "readTime";

pub(super) async fn handle<B: Backend>(call: &Call<'_, B>, request: Request<'_>) -> Result<Response<Body>, RestError> {
    let Request { target, headers, query, .. } = &request;
    let id = target.id();
    let known = etag::if_none_match(headers)?;
    let view = query.view()?;
    let read_time = read_time(&call.model, query)?;
    let response = call.backend.get(&call.caller, &call.model, id, &view, read_time).await;
    let (stored, included) = response.map_err(|error| with_rest_names(error, PARAMETERS))?;
    // The etag covers only the record: related records might have changed.
    if view.expand.is_empty() && known.is_some_and(|tags| tags.contain(&stored.etag)) {
        return response::not_modified(&stored);
    }
    let shown = Projection::of(&call.model, &view.read_mask)?;
    let mut envelope = Envelope::of_record(&call.model, shown.as_ref(), &stored);
    if !view.expand.is_empty() {
        envelope.included(&included);
    }
    response::with_etag(response::json_body(StatusCode::OK, envelope.into_bytes()), &stored)
}

/// The requested time, in microseconds since the Unix epoch.
fn read_time(model: &Model, query: &Query) -> Result<Option<i64>, Error> {
    let Some(text) = query.get(READ_TIME) else { return Ok(None) };
    if model.history.is_none() {
        let description =
            format!("needs a history, which {} does not keep; give the model the option history", model.full_name);
        return Err(invalid_parameter(READ_TIME, "history", description));
    }
    time::parse(READ_TIME, text).map(Some)
}
