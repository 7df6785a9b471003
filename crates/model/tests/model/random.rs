//! Random models: each compiles or has diagnostics, without a panic.

use crate::support::{compile_files, file, source};
use groundplan_model::{Catalog, Input, StorageNames, code, column_type, compile, load, plan};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use prost::Message as _;
use std::cell::Cell;
use std::fmt::Write as _;
use std::sync::LazyLock;

fn field_type() -> impl Strategy<Value = String> {
    let scalars = [
        "bool", "int32", "sint32", "sfixed32", "uint32", "fixed32", "int64", "sint64", "sfixed64", "uint64", "fixed64",
        "float", "double", "string", "bytes", "E", "N", "M", "N.Deep",
    ];
    let well_known = [
        "Timestamp",
        "Duration",
        "Struct",
        "Value",
        "ListValue",
        "FieldMask",
        "Empty",
        "Any",
        "BoolValue",
        "Int64Value",
        "UInt64Value",
        "FloatValue",
        "DoubleValue",
        "StringValue",
        "BytesValue",
        "Api",
        "NullValue",
    ];
    prop_oneof![
        3 => prop::sample::select(scalars.to_vec()).prop_map(str::to_owned),
        1 => prop::sample::select(well_known.to_vec()).prop_map(|name| format!("google.protobuf.{name}")),
    ]
}

fn field() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        8 => "[a-z][a-z0-9_]{0,12}",
        1 => "[a-zA-Z_][a-zA-Z0-9_]{0,80}",
        1 => prop::sample::select(vec!["id", "created_at", "etag", "xmin", "select", "update_time", "_version", "ctid"]).prop_map(str::to_owned),
    ];
    let key = prop::sample::select(vec!["string", "bool", "int32", "uint64", "sfixed64"]);
    let option = prop_oneof![
        6 => Just(String::new()),
        1 => prop::sample::select(vec!["REQUIRED", "OUTPUT_ONLY", "INPUT_ONLY", "IMMUTABLE"])
            .prop_map(|behavior| format!(" [(google.api.field_behavior) = {behavior}]")),
        1 => prop::sample::select(vec!["ROLE_ID", "ROLE_ETAG", "ROLE_NONE", "ROLE_CREATE_TIME"])
            .prop_map(|role| format!(" [(groundplan.model.v1.field).role = {role}]")),
        1 => "[a-z]{1,6}".prop_map(|name| format!(" [json_name = \"{name}\"]")),
        1 => (prop::sample::select(vec!["M", "M", "a.v1.M", "N", ""]), "([a-z]{1,4}_?){0,2}", 0..5_u8).prop_map(|(model, inverse, on_delete)| {
            format!(
                " [(groundplan.model.v1.field).references = {{ model: \"{model}\" inverse: \"{inverse}\" on_delete: {} }}]",
                ["ON_DELETE_UNSPECIFIED", "ON_DELETE_RESTRICT", "ON_DELETE_CASCADE", "ON_DELETE_SET_NULL", "ON_DELETE_UNSPECIFIED"]
                    [usize::from(on_delete)]
            )
        }),
    ];
    (name, field_type(), key, option, 0..5_u8).prop_map(|(name, of, key, option, shape)| match shape {
        0 => format!("repeated {of} {name} = #{option};"),
        1 => format!("optional {of} {name} = #{option};"),
        2 => format!("map<{key}, {of}> {name} = #{option};"),
        3 => format!("oneof o_# {{ {of} {name} = #{option}; string p_# = 1#; }}"),
        _ => format!("{of} {name} = #{option};"),
    })
}

fn model() -> impl Strategy<Value = String> {
    let index = (prop::sample::select(vec!["id", "id", "id desc", "id desc", "missing"]), any::<bool>())
        .prop_map(|(name, unique)| format!("indexes: {{ fields: \"{name}\" unique: {unique} }} "));
    let history = prop::sample::select(vec!["", "history: {}", "history: { retention_days: 90 }"]);
    let name = "[A-Z][A-Za-z0-9_]{0,10}";
    (prop::collection::vec(field(), 0..12), prop::collection::vec(index, 0..3), history, name).prop_map(
        |(fields, indexes, history, name)| {
            let mut text = format!(
                "message M {{ option (groundplan.model.v1.model) = {{ {} {history} }}; string id = 1;",
                indexes.concat()
            );
            for (at, field) in fields.iter().enumerate() {
                // Numbers below and above the limit of small numbers.
                let number = if at % 3 == 0 { at + 300 } else { at + 2 };
                write!(text, "\n  {}", field.replace('#', &number.to_string())).unwrap();
            }
            write!(
                text,
                "\n}}\nenum E {{ E_UNSPECIFIED = 0; E_A = 1; }}\nmessage N {{ N n = 1; M m = 2; message Deep {{ map<string, N> n = 3; }} Deep d = 4; }}\n\
                 message X{name} {{ option (groundplan.model.v1.model) = {{}}; string id = 1; M m = 2; }}"
            )
            .unwrap();
            text
        },
    )
}

/// Returns the uploaded files of an example as a descriptor set without positions, so that random damage hits the
/// descriptors.
static SET: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let text = "message M { option (groundplan.model.v1.model) = { indexes: { fields: \"s\" } }; string id = 1; string s = 2; \
        map<string, N> n = 3; oneof o { E e = 4; int32 x = 5; } optional bool b = 6; } message N { repeated N n = 1; } \
        enum E { E_UNSPECIFIED = 0; E_A = 1; }";
    let mut bytes = Vec::new();
    let compiled = compile_files(vec![file("a/v1/a.proto", source(text))]).unwrap();
    let file = compiled.catalog.pool.get_file_by_name("a/v1/a.proto").unwrap();
    let mut parts = RawFile::decode(file.encode_to_vec().as_slice()).unwrap();
    parts.source_code_info.clear();
    prost::encoding::bytes::encode(1, &parts.encode_to_vec(), &mut bytes);
    bytes
});

/// A file that is decoded without loss, including custom options.
#[derive(Clone, PartialEq, prost::Message)]
struct RawFile {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    package: String,
    #[prost(string, repeated, tag = "3")]
    dependency: Vec<String>,
    #[prost(bytes = "vec", repeated, tag = "4")]
    message_type: Vec<Vec<u8>>,
    #[prost(bytes = "vec", repeated, tag = "5")]
    enum_type: Vec<Vec<u8>>,
    #[prost(bytes = "vec", tag = "9")]
    source_code_info: Vec<u8>,
    #[prost(string, tag = "12")]
    syntax: String,
}

/// Checks the invariants of a catalog.
fn check(catalog: &Catalog) {
    for model in &catalog.models {
        for (id, field) in model.shape().iter() {
            assert_eq!(model.shape().by_number(field.number), Some(id));
            assert_eq!(model.shape().by_name(&field.name), Some(id));
            assert_eq!(model.shape().by_name(&field.json_name), Some(id));
            assert_eq!(model.shape().by_storage_name(&field.storage_name), Some(id));
            assert!(!column_type(field).is_empty());
        }
        let service = catalog.pool.get_service_by_name(&model.service).unwrap();
        assert_eq!(service.methods().len(), model.method_kinds().count());
        for method in service.methods() {
            assert!(catalog.method(&format!("/{}/{}", service.full_name(), method.name())).is_some());
        }
    }
}

#[test]
fn models_compile_or_are_rejected() {
    let config = ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() };
    let compiled = Cell::new(0);
    let outcome = TestRunner::new(config).run(&model(), |text| {
        compiled.set(compiled.get() + usize::from(compiles_or_is_refused(&text)?));
        Ok(())
    });
    assert_eq!(outcome, Ok(()));
    assert!(compiled.get() > 20, "only {} models were not refused", compiled.get());
}

/// Returns whether a model compiles.
fn compiles_or_is_refused(text: &str) -> Result<bool, TestCaseError> {
    match compile_files(vec![file("a/v1/a.proto", source(text))]) {
        Ok(compiled) => {
            check(&compiled.catalog);
            let loaded = load(1, compiled.catalog.descriptor_set.clone(), &compiled.storage_names).unwrap();
            check(&loaded);
            prop_assert!(plan(Some(&loaded), &compiled.catalog).unwrap().steps.is_empty());
            prop_assert!(!plan(None, &loaded).unwrap().steps.is_empty());
            Ok(true)
        }
        Err(diagnostics) => {
            prop_assert!(!diagnostics.is_empty());
            for diagnostic in diagnostics {
                prop_assert!(code::ALL.contains(&diagnostic.code) && !diagnostic.help.is_empty(), "{diagnostic}");
                prop_assert!(!diagnostic.help.contains("checks before"), "{diagnostic}");
            }
            Ok(false)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_descriptor_set_panics_nowhere(damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut bytes = SET.clone();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(compiled) = compile(Input::DescriptorSet(bytes.into()), &StorageNames::default()) {
            check(&compiled.catalog);
        }
    }

    #[test]
    fn any_text_is_refused_without_a_panic(text in "(syntax = \"proto3\";)?[ -~\n]{0,200}") {
        prop_assert!(compile_files(vec![file("a.proto", text)]).is_err());
    }
}
