//! Aggregations and query plans as plain JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use groundplan_error::Error;
use groundplan_model::shape::{Integer, Kind as FieldKind, Shapes, Wrapped};
use groundplan_proto::query::v1::value::Kind;
use groundplan_proto::query::v1::{AggregateResponse, Explanation, Value};
use serde::de::IgnoredAny;
use serde_json::{Map, Number, Value as Json, json};
use std::collections::HashMap;

/// The JSON name of a computed value, and the kind of the field that has its type, if any.
#[derive(Debug)]
pub(crate) struct ComputedValue {
    /// The name in the response of the backend.
    pub(crate) name: String,
    pub(crate) json_name: String,
    pub(crate) kind: Option<FieldKind>,
}

/// Encodes the groups of an aggregation: `[{"keys": {…}, "values": {…}}]`.
pub(crate) fn groups(
    shapes: &Shapes,
    response: &AggregateResponse,
    keys: &[ComputedValue],
    values: &[ComputedValue],
) -> Json {
    let groups = response.groups.iter();
    let group = |group: &groundplan_proto::query::v1::Group| json!({ "keys": named(shapes, &group.keys, keys), "values": named(shapes, &group.values, values) });
    groups.map(group).collect()
}

fn named(shapes: &Shapes, values: &HashMap<String, Value>, computed: &[ComputedValue]) -> Map<String, Json> {
    let of = |one: &ComputedValue| {
        let kind = values.get(&one.name)?.kind.as_ref()?;
        Some((one.json_name.clone(), typed(shapes, one.kind, kind)))
    };
    computed.iter().filter_map(of).collect()
}

/// A value in the proto3 JSON of its field: enums as names, 32-bit integers as numbers.
fn typed(shapes: &Shapes, field: Option<FieldKind>, value: &Kind) -> Json {
    match (field, value) {
        (Some(FieldKind::Enum(id)), Kind::Int64Value(number)) => {
            let name = i32::try_from(*number).ok().and_then(|number| shapes.enumeration(id).name(number));
            name.map_or_else(|| Json::from(*number), Json::from)
        }
        (Some(FieldKind::Integer(integer) | FieldKind::Wrapper(Wrapped::Integer(integer))), _) if is_short(integer) => {
            match value {
                Kind::Int64Value(number) => Json::from(*number),
                Kind::Uint64Value(number) => Json::from(*number),
                _ => plain(value),
            }
        }
        _ => plain(value),
    }
}

/// Whether integers of a type are JSON numbers.
fn is_short(integer: Integer) -> bool {
    match integer {
        Integer::Int32 | Integer::Sint32 | Integer::Sfixed32 | Integer::Uint32 | Integer::Fixed32 => true,
        Integer::Int64 | Integer::Sint64 | Integer::Sfixed64 | Integer::Uint64 | Integer::Fixed64 => false,
    }
}

/// A value in the proto3 JSON of its type.
fn plain(kind: &Kind) -> Json {
    match kind {
        Kind::BoolValue(value) => Json::from(*value),
        Kind::Int64Value(value) => value.to_string().into(),
        Kind::Uint64Value(value) => value.to_string().into(),
        Kind::DoubleValue(value) => double(*value),
        Kind::StringValue(value) => value.as_str().into(),
        Kind::BytesValue(value) => STANDARD.encode(value).into(),
        Kind::TimestampValue(value) => value.to_string().into(),
        Kind::DurationValue(value) => value.to_string().into(),
    }
}

/// A double as in records: 123, not 123.0, and strings for values that JSON numbers cannot express.
fn double(value: f64) -> Json {
    match value {
        value if value.is_nan() => "NaN".into(),
        f64::INFINITY => "Infinity".into(),
        f64::NEG_INFINITY => "-Infinity".into(),
        _ => value.to_string().parse::<Number>().map_or(Json::Null, Json::Number),
    }
}

/// Encodes a query plan in the order of its message. The plan is JSON here, not a string.
pub(crate) fn explanation(explanation: &Explanation) -> Result<String, Error> {
    let plan = match explanation.plan_json.trim() {
        "" => "null",
        plan => {
            serde_json::from_str::<IgnoredAny>(plan).map_err(Error::internal)?;
            plan
        }
    };
    Ok(format!(
        r#"{{"sql":{},"parameterTypes":{},"indexes":{},"estimatedRows":"{}","estimatedCost":{},"served":{},"advice":{},"plan":{plan}}}"#,
        Json::from(explanation.sql.as_str()),
        Json::from(explanation.parameter_types.as_slice()),
        Json::from(explanation.indexes.as_slice()),
        explanation.estimated_rows,
        double(explanation.estimated_cost),
        explanation.served,
        Json::from(explanation.advice.as_str()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_plain_json() {
        for (kind, text) in [
            (Kind::BoolValue(true), "true"),
            (Kind::Int64Value(i64::MIN), r#""-9223372036854775808""#),
            (Kind::Uint64Value(u64::MAX), r#""18446744073709551615""#),
            (Kind::DoubleValue(345.0), "345"),
            (Kind::DoubleValue(0.1), "0.1"),
            (Kind::DoubleValue(f64::NAN), r#""NaN""#),
            (Kind::DoubleValue(f64::NEG_INFINITY), r#""-Infinity""#),
            (Kind::StringValue("a\"".into()), r#""a\"""#),
            (Kind::BytesValue(b"hello".to_vec()), r#""aGVsbG8=""#),
            (Kind::TimestampValue(Default::default()), r#""1970-01-01T00:00:00Z""#),
            (Kind::DurationValue(Default::default()), r#""0s""#),
        ] {
            assert_eq!(plain(&kind).to_string(), text);
        }
    }

    #[test]
    fn an_explanation_embeds_its_plan() {
        let of = |plan: &str| Explanation { plan_json: plan.to_owned(), estimated_rows: 7, ..Explanation::default() };
        let text = explanation(&of("[{\"Plan\": {\"Node Type\": \"Seq Scan\"}}]\n")).unwrap();
        assert!(
            text.starts_with(r#"{"sql":"","parameterTypes":[],"indexes":[],"estimatedRows":"7","estimatedCost":0,"#)
        );
        let json: Json = serde_json::from_str(&text).unwrap();
        assert_eq!(json["plan"][0]["Plan"]["Node Type"], "Seq Scan");
        assert!(explanation(&of("")).unwrap().ends_with(r#""plan":null}"#));
        assert!(explanation(&of("nonsense")).is_err());
    }
}
