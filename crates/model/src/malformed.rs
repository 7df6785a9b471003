//! Detects descriptors that no compiler would produce. Linking and rendering rely on valid names.

use crate::naming::is_identifier;
use prost_types::field_descriptor_proto::Type as FieldType;
use prost_types::{DescriptorProto, FileDescriptorProto};

/// Returns what is wrong with a descriptor that no compiler would produce; `None` if nothing is.
pub(crate) fn malformed_reason(file: &FileDescriptorProto) -> Option<String> {
    let package = file.package();
    if !package.is_empty() && !package.split('.').all(is_identifier) {
        return Some(format!("{package:?} is not a valid package name"));
    }
    let enums = file.enum_type.iter().flat_map(enum_names);
    let services = file.service.iter().flat_map(|service| {
        std::iter::once(service.name()).chain(service.method.iter().map(prost_types::MethodDescriptorProto::name))
    });
    let extensions = file.extension.iter().map(prost_types::FieldDescriptorProto::name);
    if let Some(name) = enums.chain(services).chain(extensions).find(|name| !is_identifier(name)) {
        return Some(format!("{name:?} is not a valid name"));
    }
    file.message_type.iter().find_map(malformed_message_reason)
}

fn malformed_message_reason(message: &DescriptorProto) -> Option<String> {
    let fields = message.field.iter().chain(&message.extension).map(prost_types::FieldDescriptorProto::name);
    let oneofs = message.oneof_decl.iter().map(prost_types::OneofDescriptorProto::name);
    let enums = message.enum_type.iter().flat_map(enum_names);
    let mut names = std::iter::once(message.name()).chain(fields).chain(oneofs).chain(enums);
    if let Some(name) = names.find(|name| !is_identifier(name)) {
        return Some(format!("{name:?} is not a valid name"));
    }
    let untyped = message
        .field
        .iter()
        .find(|field| field.r#type.is_some_and(|enumeration| FieldType::try_from(enumeration).is_err()));
    if let Some(field) = untyped {
        return Some(format!("the field {:?} has an unknown type", field.name()));
    }
    let is_map_entry = message.options.as_ref().is_some_and(prost_types::MessageOptions::map_entry);
    let is_pair = matches!(&message.field[..], [key, value] if key.number() == 1 && value.number() == 2);
    if is_map_entry && !is_pair {
        return Some(format!("the map entry {:?} does not consist of a key and a value", message.name()));
    }
    message.nested_type.iter().find_map(malformed_message_reason)
}

fn enum_names(enumeration: &prost_types::EnumDescriptorProto) -> impl Iterator<Item = &str> {
    std::iter::once(enumeration.name()).chain(enumeration.value.iter().map(prost_types::EnumValueDescriptorProto::name))
}
