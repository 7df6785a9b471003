//! Checks of messages and fields that are not linked yet.

use super::uninterpreted::{check_uninterpreted, is_built_in};
use super::{Reporter, enums, join_path, oneofs, reserved, tag};
use crate::naming::{json_name, upper_camel};
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto};

const HELP_SET: &str = "compile the models with buf or protoc again";

pub(super) fn check(message: &DescriptorProto, path: &[i32], reporter: &mut Reporter<'_>) {
    let name = message.name();
    if reporter.is_proto3() && !message.extension_range.is_empty() {
        let message_text = format!("{name} has `extensions`, which proto3 does not allow");
        reporter.report(path, message_text, "remove `extensions`; use a oneof or google.protobuf.Struct for open data");
    }
    let written = message.options.iter().flat_map(|options| &options.uninterpreted_option);
    if written.clone().any(|option| is_built_in(option, "map_entry")) {
        let message_text = format!("{name} sets `map_entry`, which is reserved for `map<…>`");
        reporter.report(path, message_text, "write a field of type `map<key, value>` instead");
    }
    check_uninterpreted(written, path, reporter);
    reserved::check_message(message, path, reporter);
    oneofs::check(message, path, reporter);
    check_map_fields(message, path, reporter);
    for (field, at) in message.field.iter().zip(0..) {
        check_field(field, &join_path(path, [tag::FIELD, at]), reporter);
    }
    for (extension, at) in message.extension.iter().zip(0..) {
        check_field(extension, &join_path(path, [tag::NESTED_EXTENSION, at]), reporter);
    }
    for (nested, at) in message.nested_type.iter().zip(0..) {
        check(nested, &join_path(path, [tag::NESTED, at]), reporter);
    }
    for (enumeration, at) in message.enum_type.iter().zip(0..) {
        enums::check(enumeration, &join_path(path, [tag::NESTED_ENUM, at]), reporter);
    }
}

/// Checks a field or an extension. Parsers guarantee most of this, but descriptor sets can contain anything.
pub(super) fn check_field(field: &FieldDescriptorProto, path: &[i32], reporter: &mut Reporter<'_>) {
    let name = field.name();
    if reporter.is_proto3() {
        if field.label == Some(Label::Required as i32) {
            reporter.report(path, format!("{name} is `required`, which proto3 does not allow"), HELP_SET);
        }
        if field.default_value.is_some() {
            let message_text = format!("{name} has a default value, which proto3 does not allow");
            reporter.report(
                path,
                message_text,
                "remove it; `default` of (groundplan.model.v1.field) sets one when a record is created",
            );
        }
        if field.r#type == Some(Type::Group as i32) {
            reporter.report(path, format!("{name} is a group, which proto3 does not allow"), "use a message type");
        }
    }
    let named = [Type::Message, Type::Enum, Type::Group].map(|enumeration| enumeration as i32);
    let has_name = !field.type_name().is_empty();
    match field.r#type {
        Some(enumeration) if named.contains(&enumeration) != has_name => {
            let message_text = format!("the type of {name} and the name of its type contradict each other");
            reporter.report(path, message_text, HELP_SET);
        }
        None if !has_name => reporter.report(path, format!("{name} has no type"), HELP_SET),
        _ => {}
    }
    check_uninterpreted(field.options.iter().flat_map(|options| &options.uninterpreted_option), path, reporter);
    if field.extendee.is_some() && field.json_name.as_ref().is_some_and(|json| *json != json_name(name)) {
        reporter.report(path, format!("{name} is an extension and has a `json_name`"), "remove `json_name`");
    }
    if field.json_name().contains('\0') {
        reporter.report(path, format!("the JSON name of {name} contains NUL"), "change `json_name`");
    }
    if field.json_name().starts_with('[') && field.json_name().ends_with(']') && field.extendee.is_none() {
        let message_text = format!("the JSON name of {name} is in brackets, which are reserved for extensions");
        reporter.report(path, message_text, "change `json_name`");
    }
}

/// Checks that each map entry message is exactly what a compiler generates for one `map<…>` field.
fn check_map_fields(message: &DescriptorProto, path: &[i32], reporter: &mut Reporter<'_>) {
    let entries = message.nested_type.iter().zip(0..);
    for (entry, at) in entries.filter(|(entry, _)| entry.options.as_ref().is_some_and(|options| options.map_entry())) {
        let is_entry = |field: &&FieldDescriptorProto| field.type_name().rsplit('.').next() == Some(entry.name());
        let fields: Vec<&FieldDescriptorProto> = message.field.iter().filter(is_entry).collect();
        let is_right = matches!(fields[..], [field] if field.label() == Label::Repeated
            && entry.name() == format!("{}Entry", upper_camel(field.name())));
        if !is_right || !is_key_and_value(entry) {
            let message_text = format!("the map entry {} is not one that a compiler generates", entry.name());
            reporter.report(&join_path(path, [tag::NESTED, at]), message_text, HELP_SET);
        }
    }
}

/// Returns whether a map entry has exactly a key and a value.
fn is_key_and_value(entry: &DescriptorProto) -> bool {
    let [key, value] = &entry.field[..] else { return false };
    let is_single = |field: &FieldDescriptorProto| field.label() == Label::Optional && field.oneof_index.is_none();
    let is_key =
        !matches!(key.r#type(), Type::Double | Type::Float | Type::Bytes | Type::Group | Type::Message | Type::Enum);
    let is_empty = entry.nested_type.is_empty() && entry.enum_type.is_empty() && entry.extension.is_empty();
    let is_closed = entry.extension_range.is_empty() && entry.oneof_decl.is_empty();
    (key.name(), key.number(), value.name(), value.number()) == ("key", 1, "value", 2)
        && is_single(key)
        && is_single(value)
        && (is_key && key.r#type.is_some())
        && is_empty
        && is_closed
}
