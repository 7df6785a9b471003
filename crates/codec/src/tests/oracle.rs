//! Compares the codecs with prost-reflect.

use super::{CATALOG, everything, random, shapes};
use crate::{Record, Value, json, wire};
use groundplan_budget::Budget;
use groundplan_model::shape::{Cardinality, Kind};
use proptest::prelude::*;
use prost::Message;
use prost_reflect::{DynamicMessage, MessageDescriptor, SerializeOptions};
use serde_json::Value as Json;
use std::collections::BTreeSet;

fn descriptor() -> MessageDescriptor {
    CATALOG.pool.get_message_by_name("every.v1.Everything").unwrap()
}

/// Removes values that the oracle handles incorrectly: it treats negative zero as zero in fields without presence, wrappers and
/// maps, and writes wrappers of NaN and infinities as null. Our own tests cover these as specified.
fn without_oracle_bugs(mut record: Record) -> Record {
    let shape = super::shape();
    for (id, field) in shape.iter() {
        let wrapper = matches!(field.kind, Kind::Wrapper(_));
        let wrong = match record.get(id) {
            Some(Value::Double(value)) if wrapper => *value == 0.0 || !value.is_finite(),
            Some(Value::Double(value)) => field.cardinality == Cardinality::Implicit && *value == 0.0,
            Some(Value::Map(entries)) => entries.iter().any(|(_, value)| *value == Value::Double(-0.0)),
            _ => false,
        };
        if wrong {
            record.set(id, None);
        }
    }
    record
}

fn records() -> impl Strategy<Value = Record> {
    random::record(everything()).prop_map(without_oracle_bugs)
}

fn encoded(record: &Record) -> Vec<u8> {
    let mut bytes = Vec::new();
    wire::encode(shapes(), everything(), record, &mut bytes);
    bytes
}

fn written(record: &Record) -> Vec<u8> {
    let mut out = Vec::new();
    json::encode(shapes(), everything(), record, &mut out);
    out
}

fn read(bytes: &[u8]) -> Record {
    wire::decode(shapes(), everything(), bytes, &Budget::default()).unwrap()
}

/// Converts all numbers to doubles, and removes zeros.
fn plain(json: Json) -> Json {
    match json {
        Json::Number(number) => number.as_f64().unwrap().into(),
        Json::Array(elements) => elements.into_iter().map(plain).collect(),
        Json::Object(members) => members.into_iter().map(|(key, value)| (key, plain(value))).collect(),
        other => other,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_oracle_reads_our_bytes(record in records()) {
        let bytes = encoded(&record);
        prop_assert_eq!(bytes.len(), wire::encoded_len(shapes(), everything(), &record));
        prop_assert_eq!(&read(&bytes), &record);
        let oracle = DynamicMessage::decode(descriptor(), bytes.as_slice()).unwrap();
        prop_assert_eq!(read(&oracle.encode_to_vec()), record.clone());
        let options = SerializeOptions::new().skip_default_fields(false);
        let mut its = Vec::new();
        oracle.serialize_with_options(&mut serde_json::Serializer::new(&mut its), &options).unwrap();
        let its: Json = serde_json::from_slice(&its).unwrap();
        // Only the oracle writes input-only fields.
        let without_secrets = |json: Json| without(plain(json), "secret");
        let ours: Json = serde_json::from_slice(&written(&record)).unwrap();
        let different = differences("", &without_secrets(ours), &without_secrets(its));
        prop_assert!(different.is_empty(), "{different:#?}");
    }

    #[test]
    fn the_oracle_and_we_read_each_others_json(mut record in records()) {
        crate::mask::clear_input_only(shapes(), everything(), &mut record);
        let text = String::from_utf8(written(&record)).unwrap();
        prop_assert_eq!(&json::decode(shapes(), everything(), text.as_bytes(), &Budget::default()).unwrap().record, &record);
        let mut deserializer = serde_json::Deserializer::from_str(&text);
        let oracle = DynamicMessage::deserialize(descriptor(), &mut deserializer).unwrap();
        let different = differing(&record, &read(&oracle.encode_to_vec()));
        prop_assert!(different.is_empty(), "{different:#?}");
        let its = json::decode(shapes(), everything(), &serde_json::to_vec(&oracle).unwrap(), &Budget::default()).unwrap().record;
        let different = differing(&record, &its);
        prop_assert!(different.is_empty(), "{different:#?}");
    }

    #[test]
    fn messages_merge_as_the_oracle_merges(records in proptest::collection::vec(records(), 2..4)) {
        let bytes: Vec<u8> = records.iter().flat_map(encoded).collect();
        let merged = DynamicMessage::decode(descriptor(), bytes.as_slice()).unwrap().encode_to_vec();
        let ours = wire::decode(shapes(), everything(), &bytes, &Budget::default());
        let its = wire::decode(shapes(), everything(), &merged, &Budget::default());
        // Merging can create a duration whose parts have different signs, which both reject.
        prop_assert_eq!(ours.is_ok(), its.is_ok());
        if let (Ok(ours), Ok(its)) = (ours, its) {
            let different = differing(&ours, &its);
            prop_assert!(different.is_empty(), "{different:#?}");
        }
    }

    #[test]
    fn the_oracle_accepts_broken_bytes_that_we_accept(
        record in records(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = encoded(&record);
        for (place, byte) in changes {
            if !bytes.is_empty() {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
        }
        if let Ok(ours) = wire::decode(shapes(), everything(), &bytes, &Budget::default()) {
            let oracle = DynamicMessage::decode(descriptor(), bytes.as_slice()).unwrap();
            let different = differing(&without_oracle_bugs(ours), &without_oracle_bugs(read(&oracle.encode_to_vec())));
            prop_assert!(different.is_empty(), "{different:#?}");
        }
    }
}

/// Returns where two JSON values differ, ours first.
fn differences(path: &str, left: &Json, right: &Json) -> Vec<String> {
    match (left, right) {
        (Json::Object(left), Json::Object(right)) => {
            let keys: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
            let member =
                |of: &serde_json::Map<String, Json>, key: &str| of.get(key).cloned().unwrap_or("absent".into());
            keys.into_iter()
                .flat_map(|key| differences(&format!("{path}.{key}"), &member(left, key), &member(right, key)))
                .collect()
        }
        (left, right) if left == right => Vec::new(),
        (left, right) => vec![format!("{path}: {left} is not {right}")],
    }
}

/// Returns the fields in which two records differ, ours first.
fn differing(left: &Record, right: &Record) -> Vec<String> {
    let fields = super::shape().iter().filter(|(id, _)| left.get(*id) != right.get(*id));
    fields.map(|(id, field)| format!("{}: {:?} is not {:?}", field.name, left.get(id), right.get(id))).collect()
}

fn without(json: Json, unwanted: &str) -> Json {
    match json {
        Json::Array(elements) => elements.into_iter().map(|element| without(element, unwanted)).collect(),
        Json::Object(members) => members
            .into_iter()
            .filter(|(key, _)| key != unwanted)
            .map(|(key, value)| (key, without(value, unwanted)))
            .collect(),
        other => other,
    }
}
