//! GET `:explainList`: returns the query plan of a list.

use super::{Call, Request, list};
use crate::parameter_errors::with_rest_names;
use crate::response::{self, Envelope};
use crate::rest_error::RestError;
use axum::body::Body;
use groundplan_operations::Backend;
use http::{Response, StatusCode};

pub(super) async fn handle<B: Backend>(call: &Call<'_, B>, request: Request<'_>) -> Result<Response<Body>, RestError> {
    let query = &request.query;
    let explanation = call.backend.explain_list(&call.caller, &call.model, &list::read(&call.model, query)?).await;
    let explanation = explanation.map_err(|error| with_rest_names(error, list::PARAMETERS))?;
    let text = response::explanation(&explanation)?;
    Ok(response::json_body(StatusCode::OK, Envelope::of_text(&text).into_bytes()))
}
