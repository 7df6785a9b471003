//! Descriptor sets that no compiler would produce.

use groundplan_model::{Input, StorageNames, compile};
use prost::Message as _;
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet, MessageOptions,
    OneofDescriptorProto,
};

fn codes(files: Vec<FileDescriptorProto>) -> Vec<&'static str> {
    let bytes = FileDescriptorSet { file: files }.encode_to_vec();
    let diagnostics = compile(Input::DescriptorSet(bytes.into()), &StorageNames::default()).err().unwrap_or_default();
    diagnostics.iter().map(|diagnostic| diagnostic.code).collect()
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
fn invalid_descriptor_sets_are_rejected() {
    let codes = |bytes: &'static [u8]| {
        let diagnostics = compile(Input::DescriptorSet(bytes.into()), &StorageNames::default()).unwrap_err();
        diagnostics.iter().map(|diagnostic| diagnostic.code).collect::<Vec<_>>()
    };
    assert_eq!(codes(b"syntax = \"proto3\";"), ["DESCRIPTOR_SET_INVALID"]);
    assert_eq!(codes(b"\x0a\x02\xff\xff"), ["DESCRIPTOR_SET_INVALID"]);
    assert_eq!(codes(b""), ["INPUT_EMPTY"]);
}

#[test]
fn invalid_names_are_rejected() {
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
fn broken_structures_are_rejected_without_a_panic() {
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
    assert_eq!(codes(vec![file(vec![with_oneof])]), ["PROTO_NOT_ALLOWED"; 2]);
    assert_eq!(codes(vec![file(vec![message("M", vec![field("x", -1)])])]), ["PROTO_LINK"]);
    assert_eq!(
        codes(vec![file(vec![message("M", vec![FieldDescriptorProto { r#type: Some(99), ..field("x", 1) }])])]),
        ["NAME_INVALID"]
    );
    assert_eq!(codes(vec![file(Vec::new()), file(Vec::new())]), ["FILE_TWICE"]);
}

/// Returns the codes of a file with one message.
fn of_message(message: DescriptorProto) -> Vec<&'static str> {
    codes(vec![file(vec![message])])
}

#[test]
fn an_empty_syntax_is_a_diagnostic() {
    let bytes = b"\x0a\x0e\x0a\x0agood.proto\x62\x00";
    let diagnostics = compile(Input::DescriptorSet(bytes.to_vec().into()), &StorageNames::default()).unwrap_err();
    assert_eq!((diagnostics[0].code, diagnostics[0].file.as_str()), ("DESCRIPTOR_SET_INVALID", "good.proto"));
}

#[test]
fn descriptors_that_no_compiler_writes_are_rejected() {
    let assert_rejected = |message: DescriptorProto| {
        let codes = of_message(message.clone());
        assert!(!codes.is_empty() && codes.iter().all(|code| *code == "PROTO_NOT_ALLOWED"), "{codes:?} {message:?}");
    };
    let with = |change: &dyn Fn(&mut FieldDescriptorProto)| {
        let mut of = field("x", 1);
        change(&mut of);
        message("M", vec![of])
    };
    assert_eq!(of_message(with(&|_| {})), ["NO_MODELS"]);
    assert_rejected(with(&|of| of.label = Some(2)));
    assert_rejected(with(&|of| of.type_name = Some(".a.v1.M".to_owned())));
    assert_rejected(with(&|of| of.r#type = Some(11)));
    assert_rejected(with(&|of| of.r#type = None));
    assert_rejected(with(&|of| of.r#type = Some(10)));
    assert_rejected(with(&|of| of.default_value = Some("x".to_owned())));
    assert_rejected(with(&|of| of.proto3_optional = Some(true)));
    let oneof = |name: &str| OneofDescriptorProto { name: Some(name.to_owned()), ..Default::default() };
    let member = |name: &str, number, oneof, optional| FieldDescriptorProto {
        oneof_index: Some(oneof),
        proto3_optional: Some(optional),
        ..field(name, number)
    };
    let with_oneofs = |oneofs: &[&str], fields| DescriptorProto {
        oneof_decl: oneofs.iter().map(|name| oneof(name)).collect(),
        ..message("M", fields)
    };
    // Three fields in the oneof of one `optional` field.
    assert_rejected(with_oneofs(
        &["_x"],
        vec![member("x", 1, 0, true), member("y", 2, 0, true), member("z", 3, 0, true)],
    ));
    assert_rejected(with_oneofs(&["o"], Vec::new()));
    assert_rejected(with_oneofs(&["_x", "o"], vec![member("x", 1, 0, true), member("y", 2, 1, false)]));
    assert_rejected(with_oneofs(&["o"], vec![member("x", 1, 0, false), field("y", 2), member("z", 3, 0, false)]));
    let entry = |name: &str, fields| DescriptorProto {
        options: Some(MessageOptions { map_entry: Some(true), ..Default::default() }),
        ..message(name, fields)
    };
    let pair = || vec![field("key", 1), field("value", 2)];
    let map = |entry: DescriptorProto| {
        let of = FieldDescriptorProto {
            label: Some(3),
            r#type: Some(11),
            type_name: Some(format!(".a.v1.M.{}", entry.name())),
            ..field("m", 1)
        };
        DescriptorProto { nested_type: vec![entry], ..message("M", vec![of]) }
    };
    assert_eq!(of_message(map(entry("MEntry", pair()))), ["NO_MODELS"]);
    assert_rejected(map(entry("Other", pair())));
    assert_rejected(map(entry("MEntry", vec![field("value", 1), field("key", 2)])));
    assert_rejected(map(entry(
        "MEntry",
        vec![FieldDescriptorProto { r#type: Some(1), ..field("key", 1) }, field("value", 2)],
    )));
    // Another message uses the entry, and then a map of another message does.
    let stranger = |label| FieldDescriptorProto {
        label: Some(label),
        r#type: Some(11),
        type_name: Some(".a.v1.M.MEntry".to_owned()),
        ..field("value", 2)
    };
    for label in [1, 3] {
        let other = message("N", vec![stranger(label)]);
        assert_eq!(codes(vec![file(vec![map(entry("MEntry", pair())), other])]), ["PROTO_NOT_ALLOWED"]);
    }
    let holder = map(entry("MEntry", vec![field("key", 1), stranger(1)]));
    assert_eq!(of_message(holder), ["PROTO_NOT_ALLOWED"]);
    let twice = vec!["google/protobuf/any.proto".to_owned(); 2];
    assert_eq!(codes(vec![FileDescriptorProto { dependency: twice, ..file(Vec::new()) }]), ["PROTO_NOT_ALLOWED"]);
}

#[test]
fn options_need_their_imports() {
    // The model option, encoded as a compiler would encode it in a file with the import.
    let model =
        prost_reflect::DynamicMessage::new(model_pool().get_message_by_name("google.protobuf.MessageOptions").unwrap());
    let mut options = model;
    let extension = model_pool().get_extension_by_name("groundplan.model.v1.model").unwrap();
    let value = prost_reflect::DynamicMessage::new(extension.kind().as_message().unwrap().clone());
    options.set_extension(&extension, prost_reflect::Value::Message(value));
    let set = |imports: &[&str]| {
        let mut m = message("M", vec![field("id", 1)]).encode_to_vec();
        prost::encoding::bytes::encode(7, &options.encode_to_vec(), &mut m);
        let dependency = imports.iter().map(|import| (*import).to_owned()).collect();
        let mut user = FileDescriptorProto { dependency, ..file(Vec::new()) }.encode_to_vec();
        prost::encoding::bytes::encode(4, &m, &mut user);
        let first = FileDescriptorProto {
            name: Some("a0.proto".to_owned()),
            dependency: vec!["groundplan/model/v1/model.proto".to_owned()],
            package: Some("b.v1".to_owned()),
            ..file(Vec::new())
        };
        let mut set = Vec::new();
        prost::encoding::bytes::encode(1, &user, &mut set);
        prost::encoding::bytes::encode(1, &first.encode_to_vec(), &mut set);
        let diagnostics = compile(Input::DescriptorSet(set.into()), &StorageNames::default()).err().unwrap_or_default();
        diagnostics.iter().map(|diagnostic| (diagnostic.code, diagnostic.help.clone())).collect::<Vec<_>>()
    };
    assert_eq!(set(&["groundplan/model/v1/model.proto"]), []);
    let add = "add `import \"groundplan/model/v1/model.proto\";`".to_owned();
    assert_eq!(set(&["a0.proto"]), [("PROTO_NOT_ALLOWED", add)]);
}

/// Returns a pool with the options of models.
fn model_pool() -> prost_reflect::DescriptorPool {
    crate::support::catalog("message M { option (groundplan.model.v1.model) = {}; string id = 1; }").pool
}
