//! POST of `:aggregate`: what is computed over records.

use super::Call;
use crate::answer::{self, Envelope};
use crate::choices::FUNCTION;
use crate::input::Input;
use crate::limits::MAX_QUERY_BODY;
use crate::refusal::Refusal;
use crate::wording::as_typed;
use crate::{AggregateQuery, Backend, body};
use axum::body::Body;
use groundplan_error::Error;
use groundplan_proto::query::v1::Aggregation;
use http::{HeaderMap, Response, StatusCode};

/// The keys of the body.
pub(super) const KEYS: &[&str] = &["filter", "groupBy", "aggregations", "allowScan"];

pub(super) async fn answer<B: Backend>(
    call: &Call<'_, B>,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response<Body>, Refusal> {
    let bytes = body::read_json(headers, body, call.max_body.min(MAX_QUERY_BODY)).await?;
    let computed = call.backend.aggregate(&call.caller, &call.model, &read(&bytes)?).await;
    let computed = computed.map_err(|error| as_typed(error, KEYS))?;
    let text = answer::groups(&computed).to_string();
    Ok(answer::json_body(StatusCode::OK, Envelope::of_text(&text).into_bytes()))
}

fn read(body: &[u8]) -> Result<AggregateQuery, Error> {
    let mut input = Input::parse(body, KEYS)?;
    let aggregations = input.objects("aggregations", &["function", "field", "name"])?;
    Ok(AggregateQuery {
        filter: input.text("filter")?,
        group_by: input.texts("groupBy")?,
        aggregations: aggregations.into_iter().map(aggregation).collect::<Result<_, _>>()?,
        allow_scan: input.flag("allowScan")?,
    })
}

fn aggregation(mut input: Input) -> Result<Aggregation, Error> {
    Ok(Aggregation {
        function: input.choice("function", &FUNCTION)?.into(),
        field: input.text("field")?,
        name: input.text("name")?,
    })
}
