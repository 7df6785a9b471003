//! POST `:batchGet`: reads several records by their ids.

use super::{Call, Request};
use crate::body;
use crate::input::Input;
use crate::limits::MAX_QUERY_BODY;
use crate::parameter_errors::{invalid_parameter, with_rest_names};
use crate::projection::Projection;
use crate::response::{self, Envelope};
use crate::rest_error::RestError;
use axum::body::Body;
use groundplan_error::Error;
use groundplan_operations::{Backend, View};
use http::{Response, StatusCode};

/// The keys of the body.
pub(super) const KEYS: &[&str] = &["ids", "requests", "readMask", "expand"];

pub(super) async fn handle<B: Backend>(call: &Call<'_, B>, request: Request<'_>) -> Result<Response<Body>, RestError> {
    let bytes = body::read_json(&request.headers, request.body, call.max_body.min(MAX_QUERY_BODY)).await?;
    let mut input = Input::parse(&bytes, KEYS)?;
    let ids = read_ids(&mut input)?;
    let view = View { read_mask: input.names("readMask")?, expand: input.texts("expand")? };
    let response = call.backend.batch_get(&call.caller, &call.model, &ids, &view).await;
    let (records, included) = response.map_err(|error| with_rest_names(error, KEYS))?;
    let shown = Projection::of(&call.model, &view.read_mask)?;
    let mut envelope = Envelope::of_records(&call.model, shown.as_ref(), &records);
    if !view.expand.is_empty() {
        envelope.included(&included);
    }
    Ok(response::json_body(StatusCode::OK, envelope.into_bytes()))
}

/// Reads the ids: a list of strings, or requests as in gRPC.
fn read_ids(input: &mut Input) -> Result<Vec<String>, Error> {
    if !input.has("requests") {
        return input.texts("ids");
    }
    if input.has("ids") {
        return Err(invalid_parameter("requests", "oneof", "cannot be sent together with ids; send the ids alone"));
    }
    let id = |mut request: Input| {
        if request.has("readMask") {
            let description = "is not allowed in one request of a batch; set readMask for the whole batch";
            return Err(invalid_parameter(request.path_of("readMask"), "batch_read_mask", description));
        }
        request.text("id")
    };
    input.objects("requests", &["id", "readMask"])?.into_iter().map(id).collect()
}
