//! Checks that need resolved names and options.

use super::{Reporter, join_path, options, tag};
use crate::diagnostic::Diagnostics;
use crate::source::ParsedFile;
use prost_reflect::{
    EnumDescriptor, ExtensionDescriptor, FieldDescriptor, FileDescriptor, Kind, MessageDescriptor, Syntax,
};
use prost_types::file_options::OptimizeMode;

/// Checks a linked file.
pub(crate) fn check_linked(file: &FileDescriptor, parsed: &ParsedFile, diagnostics: &mut Diagnostics) {
    let mut reporter = Reporter { file: &parsed.descriptor, diagnostics };
    options::check(&file.options(), file, &[], &mut reporter);
    check_lite(file, &mut reporter);
    for message in file.messages() {
        check_message(&message, file, &mut reporter);
    }
    for enumeration in file.enums() {
        check_enum(&enumeration, file, &mut reporter);
    }
    for extension in file.extensions() {
        check_extension(&extension, file, &mut reporter);
    }
    for service in file.services() {
        options::check(&service.options(), file, service.path(), &mut reporter);
        for method in service.methods() {
            options::check(&method.options(), file, method.path(), &mut reporter);
        }
    }
}

/// Checks that a file for the full runtime does not import one for the lite runtime.
fn check_lite(file: &FileDescriptor, reporter: &mut Reporter<'_>) {
    let is_lite = |file: &FileDescriptor| {
        let options = file.file_descriptor_proto().options.as_ref();
        options.is_some_and(|options| options.optimize_for() == OptimizeMode::LiteRuntime)
    };
    if is_lite(file) {
        return;
    }
    let imports = file.file_descriptor_proto().dependency.iter().zip(0..);
    for (import, at) in imports {
        if file.parent_pool().get_file_by_name(import).is_some_and(|import| is_lite(&import)) {
            let message_text = format!("{import:?} has `optimize_for = LITE_RUNTIME`, but this file does not");
            reporter.report(&[tag::DEPENDENCY, at], message_text, "remove the option from the imported file");
        }
    }
}

fn check_message(message: &MessageDescriptor, file: &FileDescriptor, reporter: &mut Reporter<'_>) {
    let path = message.path();
    if reporter.is_proto3() && is_message_set(message) {
        let message_text = format!("{} has `message_set_wire_format`, which proto3 does not allow", message.name());
        reporter.report(path, message_text, "remove the option");
    }
    if is_message_set(message) && message.fields().len() > 0 {
        let message_text = format!("{} has `message_set_wire_format`, so it cannot have fields", message.name());
        reporter.report(path, message_text, "remove the option");
    }
    for field in message.fields() {
        check_entry(&field.kind(), Some(message), field.full_name(), field.path(), reporter);
    }
    if message.is_map_entry() {
        return;
    }
    options::check(&message.options(), file, path, reporter);
    for field in message.fields() {
        options::check(&field.options(), file, field.path(), reporter);
        options::check_field(&field, reporter);
        check_closed_enum(&field, reporter);
    }
    for oneof in message.oneofs() {
        options::check(&oneof.options(), file, oneof.path(), reporter);
    }
    for nested in message.child_messages() {
        check_message(&nested, file, reporter);
    }
    for enumeration in message.child_enums() {
        check_enum(&enumeration, file, reporter);
    }
    for extension in message.child_extensions() {
        check_extension(&extension, file, reporter);
    }
}

/// Checks that a map entry is used only by the field of its own map.
fn check_entry(kind: &Kind, owner: Option<&MessageDescriptor>, name: &str, path: &[i32], reporter: &mut Reporter<'_>) {
    let Kind::Message(entry) = kind else { return };
    if entry.is_map_entry() && entry.parent_message().as_ref() != owner {
        let message_text =
            format!("{name} has the type {}, which is the map entry of another field", entry.full_name());
        reporter.report(path, message_text, "use a separate message");
    }
}

fn is_message_set(message: &MessageDescriptor) -> bool {
    message.descriptor_proto().options.as_ref().is_some_and(|options| options.message_set_wire_format())
}

fn check_enum(enumeration: &EnumDescriptor, file: &FileDescriptor, reporter: &mut Reporter<'_>) {
    options::check(&enumeration.options(), file, enumeration.path(), reporter);
    for (value, at) in enumeration.values().zip(0..) {
        options::check(&value.options(), file, &join_path(enumeration.path(), [tag::VALUE, at]), reporter);
    }
}

/// Checks that a proto3 message does not use a proto2 enum, whose unknown values it could not preserve.
fn check_closed_enum(field: &FieldDescriptor, reporter: &mut Reporter<'_>) {
    if let (true, Kind::Enum(enumeration)) = (reporter.is_proto3(), crate::types::value_kind(field))
        && enumeration.parent_file().syntax() == Syntax::Proto2
    {
        let message_text =
            format!("{} uses {}, an enum of a proto2 file, in proto3", field.name(), enumeration.full_name());
        reporter.report(field.path(), message_text, "declare the enum in a file with `syntax = \"proto3\";`");
    }
}

/// The messages that proto3 can extend.
const OPTIONS: [&str; 9] = [
    "google.protobuf.FileOptions",
    "google.protobuf.MessageOptions",
    "google.protobuf.FieldOptions",
    "google.protobuf.OneofOptions",
    "google.protobuf.EnumOptions",
    "google.protobuf.EnumValueOptions",
    "google.protobuf.ServiceOptions",
    "google.protobuf.MethodOptions",
    "google.protobuf.ExtensionRangeOptions",
];

fn check_extension(extension: &ExtensionDescriptor, file: &FileDescriptor, reporter: &mut Reporter<'_>) {
    let path = extension.path();
    options::check(&extension.options(), file, path, reporter);
    let extended = extension.containing_message();
    let name = extension.full_name();
    check_entry(&extension.kind(), None, name, path, reporter);
    if reporter.is_proto3() && !OPTIONS.contains(&extended.full_name()) {
        let message_text = format!("{name} extends {}; proto3 can extend only options", extended.full_name());
        let is_rule = extended.full_name().starts_with("buf.validate.");
        let help = match is_rule {
            true => "declare the rule in a separate file with `syntax = \"proto2\";`",
            false => "use a oneof or google.protobuf.Struct for open data",
        };
        reporter.report(path, message_text, help);
    }
    let is_message = matches!(extension.kind(), Kind::Message(_)) && !extension.is_list() && !extension.is_group();
    if is_message_set(&extended) && !is_message {
        let message_text = format!("{name} extends {}, which accepts only single messages", extended.full_name());
        reporter.report(path, message_text, "change it to a single message");
    }
    if let Some(other) = extension_with_same_number(extension, &extended) {
        let number = extension.number();
        let message_text =
            format!("{name} extends {} with the number {number}, which {other} already uses", extended.full_name());
        reporter.report(path, message_text, "give it another number");
    }
}

/// Finds an earlier extension of the same message with the same number.
fn extension_with_same_number(extension: &ExtensionDescriptor, extended: &MessageDescriptor) -> Option<String> {
    let others = extended.extensions().take_while(|other| other.full_name() != extension.full_name());
    let mut others = others.filter(|other| other.number() == extension.number());
    others.next().map(|other| other.full_name().to_owned())
}
