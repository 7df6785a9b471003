//! Options of files.

use prost_reflect::FileDescriptor;
use std::fmt::Write as _;

/// Repeats the options that all files of a package must agree on.
pub(super) fn repeat(text: &mut String, file: &FileDescriptor) {
    let Some(options) = &file.file_descriptor_proto().options else { return };
    let mut lines = Vec::new();
    for (name, value) in [
        ("csharp_namespace", &options.csharp_namespace),
        ("go_package", &options.go_package),
        ("java_package", &options.java_package),
        ("objc_class_prefix", &options.objc_class_prefix),
        ("php_class_prefix", &options.php_class_prefix),
        ("php_namespace", &options.php_namespace),
        ("ruby_package", &options.ruby_package),
        ("swift_prefix", &options.swift_prefix),
    ] {
        if let Some(value) = value {
            lines.push(format!("option {name} = \"{}\";", escape(value)));
        }
    }
    if let Some(multiple) = options.java_multiple_files {
        lines.push(format!("option java_multiple_files = {multiple};"));
    }
    lines.sort();
    if !lines.is_empty() {
        text.push('\n');
    }
    for option in lines {
        text.push_str(&option);
        text.push('\n');
    }
}

/// Escapes a string for a `.proto` file.
fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '"' | '\\' => escaped.extend(['\\', character]),
            '\n' => escaped.push_str("\\n"),
            control if control.is_ascii_control() => {
                // Writing to a String cannot fail.
                let _ = write!(escaped, "\\{:03o}", u32::from(control));
            }
            other => escaped.push(other),
        }
    }
    escaped
}
