//! Descriptor sets that no compiler would make.

use groundplan_model::{Input, StorageNames, compile};
use prost::Message as _;
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet, MessageOptions,
    OneofDescriptorProto,
};

fn codes(files: Vec<FileDescriptorProto>) -> Vec<&'static str> {
    let bytes = FileDescriptorSet { file: files }.encode_to_vec();
    let found = compile(Input::DescriptorSet(bytes.into()), &StorageNames::default()).err().unwrap_or_default();
    found.iter().map(|found| found.code).collect()
}

fn file(messages: Vec<DescriptorProto>) -> FileDescriptorProto {
    FileDescriptorProto {
        name: Some("a.proto".to_owned()),
        package: Some("a.v1".to_owned()),
        syntax: Some("proto3".to_owned()),
        message_type: messages,
        ..Default::default()
    }
}

fn message(name: &str, fields: Vec<FieldDescriptorProto>) -> DescriptorProto {
    DescriptorProto { name: Some(name.to_owned()), field: fields, ..Default::default() }
}

fn field(name: &str, number: i32) -> FieldDescriptorProto {
    FieldDescriptorProto {
        name: Some(name.to_owned()),
        number: Some(number),
        label: Some(1),
        r#type: Some(9),
        ..Default::default()
    }
}

#[test]
fn what_is_no_set_is_refused() {
    let codes = |bytes: &'static [u8]| {
        let found = compile(Input::DescriptorSet(bytes.into()), &StorageNames::default()).unwrap_err();
        found.iter().map(|found| found.code).collect::<Vec<_>>()
    };
    assert_eq!(codes(b"syntax = \"proto3\";"), ["DESCRIPTOR_SET_INVALID"]);
    assert_eq!(codes(b"\x0a\x02\xff\xff"), ["DESCRIPTOR_SET_INVALID"]);
    assert_eq!(codes(b""), ["INPUT_EMPTY"]);
}

#[test]
fn names_that_are_no_names_are_refused() {
    for name in ["", "a\"b", "a b", "1a", "ä", "a;DROP"] {
        assert_eq!(codes(vec![file(vec![message(name, Vec::new())])]), ["NAME_INVALID"], "{name:?}");
        assert_eq!(codes(vec![file(vec![message("M", vec![field(name, 1)])])]), ["NAME_INVALID"], "{name:?}");
        let of = EnumDescriptorProto { name: Some(name.to_owned()), ..Default::default() };
        assert_eq!(codes(vec![FileDescriptorProto { enum_type: vec![of], ..file(Vec::new()) }]), ["NAME_INVALID"]);
    }
    let package = FileDescriptorProto { package: Some("a..b".to_owned()), ..file(Vec::new()) };
    assert_eq!(codes(vec![package]), ["NAME_INVALID"]);
}

#[test]
fn broken_structures_are_refused_and_panic_nowhere() {
    let editions = FileDescriptorProto { syntax: Some("editions".to_owned()), ..file(Vec::new()) };
    assert_eq!(codes(vec![editions]), ["EDITION_NOT_SUPPORTED"]);
    let map_entry = DescriptorProto {
        options: Some(MessageOptions { map_entry: Some(true), ..Default::default() }),
        ..message("E", vec![field("key", 1)])
    };
    assert_eq!(codes(vec![file(vec![map_entry])]), ["NAME_INVALID"]);
    let oneof = FieldDescriptorProto { oneof_index: Some(-1), ..field("x", 1) };
    let with_oneof = DescriptorProto {
        oneof_decl: vec![OneofDescriptorProto { name: Some("o".to_owned()), ..Default::default() }],
        ..message("M", vec![oneof])
    };
    assert_eq!(codes(vec![file(vec![with_oneof])]), ["PROTO_LINK"]);
    assert_eq!(codes(vec![file(vec![message("M", vec![field("x", -1)])])]), ["PROTO_LINK"]);
    assert_eq!(
        codes(vec![file(vec![message("M", vec![FieldDescriptorProto { r#type: Some(99), ..field("x", 1) }])])]),
        ["NAME_INVALID"]
    );
    assert_eq!(codes(vec![file(Vec::new()), file(Vec::new())]), ["FILE_TWICE"]);
}
