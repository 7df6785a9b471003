//! Checks that options fit the element on which they are set.

use super::Reporter;
use prost_reflect::{DynamicMessage, ExtensionDescriptor, FieldDescriptor, FileDescriptor, Kind, ReflectMessage as _};
use prost_types::field_options::JsType;
use std::collections::BTreeSet;

/// Checks the options of any element.
pub(super) fn check(options: &DynamicMessage, file: &FileDescriptor, path: &[i32], reporter: &mut Reporter<'_>) {
    if options.has_field_by_name("features") {
        let message_text = "`features` requires editions, which are not supported";
        reporter.report(path, message_text, "remove the option");
    }
    for (extension, _) in options.extensions() {
        let defined = extension.parent_file();
        if defined != *file && !imports(file, &defined) {
            let message_text =
                format!("the option ({}) is set, but {:?} is not imported", extension.full_name(), defined.name());
            reporter.report(path, message_text, format!("add `import {:?};`", defined.name()));
        }
    }
    if let Some(extension) = option_with_wrong_target(options) {
        let message_text = format!("the `targets` of the option ({}) do not allow it here", extension.full_name());
        reporter.report(path, message_text, "remove the option");
    }
}

/// Returns whether a file imports another one, directly or through a public import.
fn imports(file: &FileDescriptor, other: &FileDescriptor) -> bool {
    let mut seen = BTreeSet::new();
    let mut open: Vec<FileDescriptor> = file.dependencies().collect();
    while let Some(import) = open.pop() {
        if import == *other {
            return true;
        }
        if seen.insert(import.name().to_owned()) {
            open.extend(import.public_dependencies());
        }
    }
    false
}

/// Finds an option whose `targets` do not include the element.
fn option_with_wrong_target(options: &DynamicMessage) -> Option<ExtensionDescriptor> {
    let wanted: i32 = match options.descriptor().full_name() {
        "google.protobuf.FileOptions" => 1,
        "google.protobuf.ExtensionRangeOptions" => 2,
        "google.protobuf.MessageOptions" => 3,
        "google.protobuf.FieldOptions" => 4,
        "google.protobuf.OneofOptions" => 5,
        "google.protobuf.EnumOptions" => 6,
        "google.protobuf.EnumValueOptions" => 7,
        "google.protobuf.ServiceOptions" => 8,
        "google.protobuf.MethodOptions" => 9,
        _ => return None,
    };
    let mut set = options.extensions().map(|(extension, _)| extension);
    set.find(|extension| {
        let targets = extension.options().get_field_by_name("targets").map(|targets| targets.into_owned());
        let targets = targets.as_ref().and_then(|targets| targets.as_list()).unwrap_or_default();
        !targets.is_empty() && !targets.iter().any(|target| target.as_enum_number() == Some(wanted))
    })
}

/// Checks the options of a field that depend on its type.
pub(super) fn check_field(field: &FieldDescriptor, reporter: &mut Reporter<'_>) {
    let Some(options) = &field.field_descriptor_proto().options else { return };
    let (path, name) = (field.path(), field.name());
    let is_long = matches!(field.kind(), Kind::Int64 | Kind::Uint64 | Kind::Sint64 | Kind::Fixed64 | Kind::Sfixed64);
    if options.jstype() != JsType::JsNormal && !is_long {
        let message_text = format!("{name} has `jstype`, which requires a 64-bit integer");
        reporter.report(path, message_text, "remove the option");
    }
    let is_message = matches!(field.kind(), Kind::Message(_)) && !field.is_group();
    let written = field.options();
    let is_set = |name: &str| written.get_field_by_name(name).is_some_and(|value| value.as_bool() == Some(true));
    if (is_set("lazy") || is_set("unverified_lazy")) && !is_message {
        reporter.report(path, format!("{name} has `lazy`, which requires a message"), "remove the option");
    }
    let is_packable = field.is_list() && !matches!(field.kind(), Kind::Message(_) | Kind::String | Kind::Bytes);
    if options.packed() && !is_packable {
        let message_text = format!("{name} has `packed`, which requires a repeated number, bool or enum");
        reporter.report(path, message_text, "remove the option");
    }
}
