//! GET of `:explainList`: how a list would be run.

use super::{Call, list};
use crate::answer::{self, Envelope};
use crate::query::Query;
use crate::refusal::Refusal;
use crate::wording::as_typed;
use axum::body::Body;
use groundplan_operations::Backend;
use http::{Response, StatusCode};

pub(super) async fn answer<B: Backend>(call: &Call<'_, B>, query: &Query) -> Result<Response<Body>, Refusal> {
    let explanation = call.backend.explain_list(&call.caller, &call.model, &list::read(&call.model, query)?).await;
    let explanation = explanation.map_err(|error| as_typed(error, list::PARAMETERS))?;
    let text = answer::explanation(&explanation)?;
    Ok(answer::json_body(StatusCode::OK, Envelope::of_text(&text).into_bytes()))
}
