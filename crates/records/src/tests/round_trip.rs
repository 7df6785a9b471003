//! Random records of every field shape, written and read through gRPC, and read by SQL.

pub(super) mod arbitrary;

use super::fixture::Fixture;
use groundplan_chassis::database::Columns;
use groundplan_codec::{Record, Value, wire};
use groundplan_model::catalog::MethodKind::{Create, Get, List, Update};
use groundplan_model::catalog::Model;
use proptest::test_runner::{Config, TestRunner};
use prost::encoding::{WireType, encode_key, encode_varint};
use rand::SeedableRng;
use rand::rngs::StdRng;

/// Returns the message `{1: bytes}`, the form of all requests with a record or an id.
fn request(bytes: &[u8]) -> bytes::Bytes {
    let mut message = Vec::new();
    encode_key(1, WireType::LengthDelimited, &mut message);
    encode_varint(bytes.len() as u64, &mut message);
    message.extend_from_slice(bytes);
    message.into()
}

fn encode(model: &Model, record: &Record) -> Vec<u8> {
    let mut bytes = Vec::new();
    wire::encode(&model.shapes, model.shape, record, &mut bytes);
    bytes
}

fn decode(model: &Model, bytes: &[u8]) -> Record {
    wire::decode(&model.shapes, model.shape, bytes, &groundplan_budget::Budget::default()).unwrap()
}

async fn check(fixture: &Fixture, seed: u64) {
    let model = fixture.model("Shapes");
    let mut random = StdRng::seed_from_u64(seed);
    let mut sent = arbitrary::record(&mut random, &model.shapes, model.shape, 0);
    sent.set(model.roles.id, None);
    // Decoding sorts maps and merges duplicates.
    let sent = decode(&model, &encode(&model, &sent));

    let created = fixture.call_raw(&model.method_path(Create), request(&encode(&model, &sent))).await.unwrap();
    let created = decode(&model, created.get_ref());
    let Some(Value::String(id)) = created.get(model.roles.id).cloned() else { panic!("no id") };
    let mut expected = sent;
    expected.set(model.roles.id, Some(Value::String(id.clone())));
    assert_eq!(created, expected, "seed {seed}");
    let read = fixture.call_raw(&model.method_path(Get), request(id.as_bytes())).await.unwrap();
    assert_eq!(decode(&model, read.get_ref()), expected, "seed {seed}");
    check_by_sql(fixture, &model, &expected, &id).await;

    let mut other = arbitrary::record(&mut random, &model.shapes, model.shape, 0);
    other.set(model.roles.id, Some(Value::String(id.clone())));
    let other = decode(&model, &encode(&model, &other));
    let mut replace = request(&encode(&model, &other)).to_vec();
    // update_mask: {paths: "*"}
    replace.extend_from_slice(b"\x12\x03\x0a\x01*");
    let updated = fixture.call_raw(&model.method_path(Update), replace.into()).await.unwrap();
    assert_eq!(decode(&model, updated.get_ref()), other, "seed {seed}");
    let read = fixture.call_raw(&model.method_path(Get), request(id.as_bytes())).await.unwrap();
    assert_eq!(decode(&model, read.get_ref()), other, "seed {seed}");
}

/// Compares with the output of `psql`.
async fn check_by_sql(fixture: &Fixture, model: &Model, record: &Record, id: &str) {
    let columns = ["a_bool", "an_int32", "an_int64", "a_uint64", "a_color", "a_string", "maybe_int64", "select"];
    let list: Vec<String> = columns.iter().map(|column| format!("\"{column}\"::text")).collect();
    let sql = format!(
        "SELECT {}, some_bytes, a_double, cardinality(strings)::bigint FROM test_v1.shapes WHERE id = '{id}'",
        list.join(", ")
    );
    let rows = fixture.query(&sql).await;
    let value = |name: &str| record.get(model.shape().by_name(name).unwrap());
    for (at, name) in columns.iter().enumerate() {
        let expected = match value(name) {
            Some(Value::Bool(value)) => Some(value.to_string()),
            Some(Value::Int(value)) => Some(value.to_string()),
            Some(Value::Uint(value)) => Some(value.to_string()),
            Some(Value::Enum(value)) => Some(value.to_string()),
            Some(Value::String(value)) => Some(value.clone()),
            None if name.starts_with("maybe") => None,
            None => Some(
                if *name == "a_bool" {
                    "false"
                } else if ["a_string", "select"].contains(name) {
                    ""
                } else {
                    "0"
                }
                .to_owned(),
            ),
            other => panic!("{other:?}"),
        };
        assert_eq!(rows[0].text(at).unwrap(), expected, "{name}");
    }
    let raw = rows[0].bytes(8, |bytes| bytes.map(<[u8]>::to_vec)).unwrap().unwrap_or_default();
    assert_eq!(
        raw,
        match value("some_bytes") {
            Some(Value::Bytes(bytes)) => bytes.to_vec(),
            _ => Vec::new(),
        }
    );
    let double = rows[0].array(9).unwrap().map(f64::from_be_bytes).unwrap();
    assert_eq!(
        double.to_bits(),
        match value("a_double") {
            Some(Value::Double(double)) => double.to_bits(),
            _ => 0,
        }
    );
    let strings = match value("strings") {
        Some(Value::List(strings)) => strings.len(),
        _ => 0,
    };
    assert_eq!(rows[0].i64(10).unwrap(), i64::try_from(strings).ok());
}

#[tokio::test]
async fn written_records_are_read_unchanged() {
    let fixture = Fixture::new().await;
    for edge in arbitrary::EDGES {
        let model = fixture.model("Shapes");
        let record = arbitrary::edge(&model.shapes, model.shape, *edge);
        let created = fixture.call_raw(&model.method_path(Create), request(&encode(&model, &record))).await.unwrap();
        let mut created = decode(&model, created.get_ref());
        let Some(Value::String(id)) = created.take(model.roles.id) else { panic!("no id") };
        assert_eq!(created, record, "{edge:?}");
        let read = fixture.call_raw(&model.method_path(Get), request(id.as_bytes())).await.unwrap();
        let mut read = decode(&model, read.get_ref());
        read.take(model.roles.id);
        assert_eq!(read, record, "{edge:?}");
    }
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(1) });
    let first = proptest::strategy::Strategy::new_tree(&proptest::num::u64::ANY, &mut runner).unwrap();
    let first = proptest::strategy::ValueTree::current(&first);
    for at in 0..60 {
        check(&fixture, first.wrapping_add(at)).await;
    }
    // List returns the same records in one page.
    let model = fixture.model("Shapes");
    let page = fixture.call_raw(&model.method_path(List), bytes::Bytes::from_static(&[0x08, 0x64])).await.unwrap();
    assert!(!page.get_ref().is_empty());
}

#[tokio::test]
async fn invalid_row_written_by_sql_is_one_named_error() {
    let fixture = Fixture::new().await;
    let model = fixture.model("Shapes");
    let created = fixture.call_raw(&model.method_path(Create), request(&[])).await.unwrap();
    let Some(Value::String(id)) = decode(&model, created.get_ref()).take(model.roles.id) else { panic!("no id") };
    for change in [
        "an_int32 = 3000000000",
        "a_uint32 = -1",
        "a_uint64 = -1",
        "a_timestamp = 'infinity'",
        "a_float = 1e300",
        "int32s = ARRAY[1, NULL]",
        "a_message = '[]'",
        "texts = '[]'",
    ] {
        fixture.query(&format!("UPDATE test_v1.shapes SET {change}")).await;
        let status = fixture.call_raw(&model.method_path(Get), request(id.as_bytes())).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::Internal, "{change}");
        assert!(!status.message().contains("shapes"), "the caller learns nothing");
        let column = change.split(' ').next().unwrap();
        let kind_of_zero = match column {
            "a_message" | "a_timestamp" => "NULL",
            "int32s" | "texts" => "'{}'",
            _ => "0",
        };
        fixture.query(&format!("UPDATE test_v1.shapes SET {column} = {kind_of_zero}")).await;
        fixture.call_raw(&model.method_path(Get), request(id.as_bytes())).await.unwrap();
    }
    // Values that SQL can write.
    fixture.query("UPDATE test_v1.shapes SET a_duration = '1 day', a_timestamp = '2020-01-01Z', a_float = 0.1").await;
    let read = fixture.call_raw(&model.method_path(Get), request(id.as_bytes())).await.unwrap();
    let read = decode(&model, read.get_ref());
    let value = |name: &str| read.get(model.shape().by_name(name).unwrap()).cloned();
    assert_eq!(value("a_duration"), Some(Value::Duration(86_400_000_000)));
    assert_eq!(value("a_float"), Some(Value::Double(f64::from(0.1_f32))));
}
