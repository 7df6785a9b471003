//! Describes the options and comments of a model by aspect, so that a plan can name the changed aspects.

use super::canonical;
use crate::comments::Comments;
use crate::types::reachable;
use prost_reflect::{DescriptorPool, DynamicMessage, EnumDescriptor, FieldDescriptor, MessageDescriptor, Value};
use std::collections::BTreeMap;

/// The text of each aspect, by a readable name.
pub(super) type Definition = BTreeMap<String, String>;

/// Describes a model and the types that it uses. Of the model's own fields, only those with wanted numbers are
/// included: the others are steps of their own.
pub(super) fn describe_model(pool: &DescriptorPool, full_name: &str, wanted: impl Fn(u32) -> bool) -> Definition {
    let Some(model) = pool.get_message_by_name(full_name) else { return Definition::new() };
    let mut reader = DefinitionReader { definition: Definition::new(), comments: Comments::default() };
    let fields: Vec<FieldDescriptor> = model.fields().filter(|field| wanted(field.number())).collect();
    reader.message(&model, "", &fields);
    let types = reachable(std::iter::once(model.clone()));
    for message in types.messages.iter().filter(|message| **message != model) {
        let fields: Vec<FieldDescriptor> = message.fields().collect();
        reader.message(message, &format!("{} ", message.full_name()), &fields);
    }
    for enumeration in &types.enums {
        reader.enumeration(enumeration);
    }
    reader.definition
}

struct DefinitionReader {
    definition: Definition,
    comments: Comments,
}

impl DefinitionReader {
    fn add(&mut self, aspect: String, text: String) {
        if !text.is_empty() && text != "{}" {
            self.definition.insert(aspect, text);
        }
    }

    /// Adds the aspects of a message. `prefix` names the message; it is empty for the model itself.
    fn message(&mut self, message: &MessageDescriptor, prefix: &str, fields: &[FieldDescriptor]) {
        let file = message.parent_file();
        let comment = self.comments.get(&file, message.path());
        self.add(format!("{prefix}comment"), comment);
        let (options, parts) = split_model(message.options());
        self.add(format!("{prefix}options"), canonical::message_text(&options));
        for (part, text) in parts {
            self.add(format!("{prefix}{part}"), text);
        }
        for oneof in message.oneofs().filter(|oneof| !oneof.is_synthetic()) {
            let comment = self.comments.get(&file, oneof.path());
            self.add(format!("{prefix}{} comment", oneof.name()), comment);
            self.add(format!("{prefix}{} options", oneof.name()), canonical::message_text(&oneof.options()));
        }
        for field in fields {
            let name = format!("{prefix}{}", field.name());
            let comment = self.comments.get(&file, field.path());
            self.add(format!("{name} comment"), comment);
            self.add(format!("{name} options"), canonical::message_text(&without_references(field.options())));
            self.add(format!("{name} JSON name"), field.json_name().to_owned());
            if !prefix.is_empty() {
                self.add(name, format!("{} {:?} {:?}", field.number(), field.kind(), field.cardinality()));
            }
        }
    }

    fn enumeration(&mut self, enumeration: &EnumDescriptor) {
        let file = enumeration.parent_file();
        let comment = self.comments.get(&file, enumeration.path());
        self.add(format!("{} comment", enumeration.full_name()), comment);
        self.add(format!("{} options", enumeration.full_name()), canonical::message_text(&enumeration.options()));
        for value in enumeration.values() {
            let name = format!("{} {}", enumeration.full_name(), value.name());
            let comment = self.comments.get(&file, value.path());
            self.add(format!("{name} comment"), comment);
            self.add(format!("{name} options"), canonical::message_text(&value.options()));
            self.add(name, value.number().to_string());
        }
    }
}

/// The parts of a model's option that are separate aspects.
const PARTS: [&str; 3] = ["history", "soft_delete", "expiry"];

/// Splits a message's options into the parts that are separate aspects and the rest, without indexes, which have steps
/// of their own.
fn split_model(mut options: DynamicMessage) -> (DynamicMessage, Vec<(&'static str, String)>) {
    let mut parts = Vec::new();
    for (extension, value) in options.extensions_mut() {
        if let (true, Value::Message(model)) = (extension.full_name() == "groundplan.model.v1.model", value) {
            model.clear_field_by_name("indexes");
            for part in PARTS.into_iter().filter(|part| model.has_field_by_name(part)).collect::<Vec<_>>() {
                // A part with only defaults is still an aspect.
                let written = model.get_field_by_name(part).map(|part| canonical::value_text(&part));
                parts.push((part, format!("has {}", written.unwrap_or_default())));
                model.clear_field_by_name(part);
            }
        }
    }
    (options, parts)
}

/// Removes the reference from a field's options; it has a step of its own.
fn without_references(mut options: DynamicMessage) -> DynamicMessage {
    let mut empty = None;
    for (extension, value) in options.extensions_mut() {
        if let (true, Value::Message(field)) = (extension.full_name() == "groundplan.model.v1.field", value) {
            field.clear_field_by_name("references");
            empty = (field.fields().next().is_none() && field.unknown_fields().next().is_none()).then_some(extension);
        }
    }
    if let Some(extension) = empty {
        options.clear_extension(&extension);
    }
    options
}
