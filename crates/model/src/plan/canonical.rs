//! Renders descriptors as canonical text: two texts are equal exactly if the descriptors mean the same. Positions in
//! files are ignored.

use prost_reflect::{DescriptorPool, DynamicMessage, FileDescriptor, MapKey, Value};
use std::fmt::Write as _;

/// Returns the text of options, independent of the order of their maps.
pub(super) fn message_text(message: &DynamicMessage) -> String {
    let mut text = String::new();
    write_message(message, &mut text);
    text
}

/// Returns the text of one value of an option.
pub(super) fn value_text(value: &Value) -> String {
    let mut text = String::new();
    write_value(value, &mut text);
    text
}

/// Returns the text of a file, including its comments.
pub(super) fn file_text(pool: &DescriptorPool, file: &FileDescriptor) -> String {
    let encoded = file.encode_to_vec();
    let mut text = String::new();
    let decoded = pool
        .get_message_by_name("google.protobuf.FileDescriptorProto")
        .and_then(|descriptor| DynamicMessage::decode(descriptor, encoded.as_slice()).ok());
    match decoded {
        Some(mut message) => {
            message.clear_field_by_name("source_code_info");
            write_message(&message, &mut text);
        }
        // Without `descriptor.proto` in the pool, compare bytes. Models always import it.
        None => text.push_str(&format!("{encoded:?}")),
    }
    for location in file.file_descriptor_proto().source_code_info.iter().flat_map(|info| &info.location) {
        let comments = (&location.leading_comments, &location.trailing_comments, &location.leading_detached_comments);
        if !matches!(comments, (None, None, detached) if detached.is_empty()) {
            // Writing to a String cannot fail.
            let _ = write!(text, "\n{:?}{comments:?}", location.path);
        }
    }
    text
}

fn write_message(message: &DynamicMessage, text: &mut String) {
    text.push('{');
    for (field, value) in message.fields() {
        let _ = write!(text, "{}:", field.number());
        write_value(value, text);
    }
    for (extension, value) in message.extensions() {
        let _ = write!(text, "[{}]:", extension.full_name());
        write_value(value, text);
    }
    for unknown in message.unknown_fields() {
        let _ = write!(text, "{unknown:?};");
    }
    text.push('}');
}

fn write_value(value: &Value, text: &mut String) {
    match value {
        Value::Message(message) => write_message(message, text),
        Value::List(values) => {
            text.push('[');
            for value in values {
                write_value(value, text);
            }
            text.push(']');
        }
        Value::Map(entries) => {
            let mut sorted: Vec<(&MapKey, String)> = entries
                .iter()
                .map(|(key, value)| {
                    let mut text = String::new();
                    write_value(value, &mut text);
                    (key, text)
                })
                .collect();
            sorted.sort();
            let _ = write!(text, "{sorted:?};");
        }
        scalar => {
            let _ = write!(text, "{scalar:?};");
        }
    }
}
