//! POST `:aggregate`: computes values over records.

use super::{Call, Request};
use crate::body;
use crate::enum_params::FUNCTION;
use crate::input::Input;
use crate::limits::MAX_QUERY_BODY;
use crate::parameter_errors::with_rest_names;
use crate::response::{self, ComputedValue, Envelope};
use crate::rest_error::RestError;
use axum::body::Body;
use groundplan_error::Error;
use groundplan_model::catalog::Model;
use groundplan_model::shape::Kind;
use groundplan_operations::{AggregateQuery, Backend, value_name};
use groundplan_proto::query::v1::{Aggregation, Function};
use http::{Response, StatusCode};

/// The keys of the body.
pub(super) const KEYS: &[&str] = &["filter", "groupBy", "aggregations", "allowScan"];

pub(super) async fn handle<B: Backend>(call: &Call<'_, B>, request: Request<'_>) -> Result<Response<Body>, RestError> {
    let bytes = body::read_json(&request.headers, request.body, call.max_body.min(MAX_QUERY_BODY)).await?;
    let query = read(&bytes)?;
    let (keys, values) = (keys(&call.model, &query), values(&call.model, &query));
    let computed = call.backend.aggregate(&call.caller, &call.model, &query).await;
    let computed = computed.map_err(|error| with_rest_names(error, KEYS))?;
    // Duplicate JSON names are reported after the errors of the backend.
    let values = values?;
    let text = response::groups(&call.model.shapes, &computed, &keys, &values).to_string();
    Ok(response::json_body(StatusCode::OK, Envelope::of_text(&text).into_bytes()))
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

/// The fields to group by in the response. The backend rejects unknown fields.
fn keys(model: &Model, query: &AggregateQuery) -> Vec<ComputedValue> {
    let key = |name: &String| {
        let (json_name, kind) = field(model, name).unzip();
        ComputedValue { name: name.clone(), json_name: json_name.unwrap_or_else(|| name.clone()), kind }
    };
    query.group_by.iter().map(key).collect()
}

/// The aggregations in the response. A name given by the client does not change.
fn values(model: &Model, query: &AggregateQuery) -> Result<Vec<ComputedValue>, Error> {
    let mut values: Vec<ComputedValue> = Vec::new();
    for (at, aggregation) in query.aggregations.iter().enumerate() {
        let name = value_name(aggregation);
        let json_name = if aggregation.name.is_empty() { camel_case(&name) } else { name.clone() };
        if values.iter().any(|other| other.json_name == json_name) {
            let description =
                format!("is {json_name:?}, which is also the name of another aggregation; give each a name");
            return Err(Error::field(format!("aggregations[{at}].name"), "unique", description));
        }
        let is_of_field = matches!(aggregation.function(), Function::Min | Function::Max);
        let kind = if is_of_field { field(model, &aggregation.field).map(|(_, kind)| kind) } else { None };
        values.push(ComputedValue { name, json_name, kind });
    }
    Ok(values)
}

/// The JSON name and the kind of a field by its path, in proto or JSON names.
fn field(model: &Model, path: &str) -> Option<(String, Kind)> {
    let mut shape = model.shape();
    let mut names = Vec::new();
    let mut kind = None;
    for name in path.split('.') {
        if let Some(kind) = kind {
            let Kind::Message(inner) = kind else { return None };
            shape = model.shapes.get(inner);
        }
        let field = shape.field(shape.by_name(name.trim())?);
        names.push(field.json_name.as_str());
        kind = Some(field.kind);
    }
    Some((names.join("."), kind?))
}

/// Converts a name to lowerCamel.
fn camel_case(name: &str) -> String {
    let mut words = name.split('_').filter(|word| !word.is_empty());
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel
}

fn aggregation(mut input: Input) -> Result<Aggregation, Error> {
    Ok(Aggregation {
        function: input.choice("function", &FUNCTION)?.into(),
        field: input.text("field")?,
        name: input.text("name")?,
    })
}

#[cfg(test)]
mod tests {
    use super::camel_case;

    #[test]
    fn names_are_converted_to_lower_camel() {
        for (name, json) in [
            ("count", "count"),
            ("sum_page_count", "sumPageCount"),
            ("max_pageCount", "maxPageCount"),
            ("max_address_number", "maxAddressNumber"),
            ("count__inner_list", "countInnerList"),
        ] {
            assert_eq!(camel_case(name), json);
        }
    }
}
