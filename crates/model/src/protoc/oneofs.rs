//! Checks of oneofs, including the synthetic ones of `optional` fields.

use super::uninterpreted::check_uninterpreted;
use super::{Reporter, join_path, tag};
use prost_types::field_descriptor_proto::Label;
use prost_types::{DescriptorProto, FieldDescriptorProto};

const HELP_SET: &str = "compile the models with buf or protoc again";

pub(super) fn check(message: &DescriptorProto, path: &[i32], reporter: &mut Reporter<'_>) {
    let mut seen_optional = false;
    for (oneof, at) in message.oneof_decl.iter().zip(0..) {
        let path = join_path(path, [tag::ONEOF, at]);
        let members = message.field.iter().enumerate().filter(|(_, field)| field.oneof_index == Some(at));
        let members: Vec<(usize, &FieldDescriptorProto)> = members.collect();
        let optionals = members.iter().filter(|(_, field)| field.proto3_optional()).count();
        let name = oneof.name();
        check_uninterpreted(oneof.options.iter().flat_map(|options| &options.uninterpreted_option), &path, reporter);
        if members.is_empty() {
            reporter.report(&path, format!("the oneof {name} has no fields"), "add a field to it, or remove it");
        }
        if optionals > 0 && members.len() > 1 {
            let message_text = format!("the oneof {name} of an `optional` field contains other fields");
            reporter.report(&path, message_text, HELP_SET);
        }
        if optionals == 0 && seen_optional {
            let message_text = format!("the oneof {name} is declared after the oneof of an `optional` field");
            reporter.report(&path, message_text, HELP_SET);
        }
        seen_optional |= optionals > 0;
        let is_apart =
            |pair: &[(usize, &FieldDescriptorProto)]| matches!(pair, [(one, _), (next, _)] if one + 1 != *next);
        if members.windows(2).any(is_apart) {
            reporter.report(&path, format!("the fields of the oneof {name} are not adjacent"), HELP_SET);
        }
        if members.iter().any(|(_, field)| field.label() != Label::Optional) {
            reporter.report(&path, format!("a field of the oneof {name} is repeated or required"), HELP_SET);
        }
    }
    for (field, at) in message.field.iter().zip(0..) {
        let is_there = |index: i32| usize::try_from(index).is_ok_and(|index| index < message.oneof_decl.len());
        if field.oneof_index.is_some_and(|index| !is_there(index)) {
            let message_text = format!("{} is in a oneof that does not exist", field.name());
            reporter.report(&join_path(path, [tag::FIELD, at]), message_text, HELP_SET);
        }
        if field.proto3_optional() && (field.oneof_index.is_none() || !reporter.is_proto3()) {
            let message_text = format!("{} is a proto3 `optional` field without its own oneof", field.name());
            reporter.report(&join_path(path, [tag::FIELD, at]), message_text, HELP_SET);
        }
    }
}
