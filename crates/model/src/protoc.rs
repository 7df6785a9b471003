//! Rejects models that protoc rejects but that the parser and the linker accept. Otherwise, no language's generator
//! could read the output of `groundplan generate`. A test compares the checks with protoc for a table of small files.

mod enums;
mod linked;
mod messages;
mod oneofs;
mod options;
mod reserved;
mod uninterpreted;

use crate::code;
use crate::diagnostic::{Diagnostics, SourceLocation};
pub(crate) use linked::check_linked;
use prost_types::FileDescriptorProto;
use std::collections::BTreeSet;
use uninterpreted::check_uninterpreted;

/// Field numbers of `FileDescriptorProto`, for paths in a file.
mod tag {
    pub(super) const DEPENDENCY: i32 = 3;
    pub(super) const MESSAGE: i32 = 4;
    pub(super) const ENUM: i32 = 5;
    pub(super) const SERVICE: i32 = 6;
    pub(super) const EXTENSION: i32 = 7;
    pub(super) const OPTIONS: i32 = 8;
    /// Fields of a message.
    pub(super) const FIELD: i32 = 2;
    pub(super) const NESTED: i32 = 3;
    pub(super) const NESTED_ENUM: i32 = 4;
    pub(super) const NESTED_EXTENSION: i32 = 6;
    pub(super) const ONEOF: i32 = 8;
    /// Fields of an enum.
    pub(super) const VALUE: i32 = 2;
}

/// Reports diagnostics in one file.
struct Reporter<'a> {
    file: &'a FileDescriptorProto,
    diagnostics: &'a mut Diagnostics,
}

impl Reporter<'_> {
    fn is_proto3(&self) -> bool {
        self.file.syntax() == "proto3"
    }

    fn report(&mut self, path: &[i32], message: impl Into<String>, help: impl Into<String>) {
        self.diagnostics.report(SourceLocation::in_unlinked(self.file, path), code::PROTO_NOT_ALLOWED, message, help);
    }
}

/// Checks a file that is parsed but not linked yet.
pub(crate) fn check_parsed(file: &FileDescriptorProto, diagnostics: &mut Diagnostics) {
    let mut reporter = Reporter { file, diagnostics };
    let mut imports = BTreeSet::new();
    for (import, at) in file.dependency.iter().zip(0..) {
        if !imports.insert(import) {
            reporter.report(
                &[tag::DEPENDENCY, at],
                format!("{import:?} is imported twice"),
                "remove one of the two lines",
            );
        }
    }
    check_uninterpreted(
        file.options.iter().flat_map(|options| &options.uninterpreted_option),
        &[tag::OPTIONS],
        &mut reporter,
    );
    for (service, at) in file.service.iter().zip(0..) {
        let options = service.options.iter().flat_map(|options| &options.uninterpreted_option);
        let methods = service.method.iter().flat_map(|method| &method.options);
        let options = options.chain(methods.flat_map(|options| &options.uninterpreted_option));
        check_uninterpreted(options, &[tag::SERVICE, at], &mut reporter);
    }
    for (message, at) in file.message_type.iter().zip(0..) {
        messages::check(message, &[tag::MESSAGE, at], &mut reporter);
    }
    for (enumeration, at) in file.enum_type.iter().zip(0..) {
        enums::check(enumeration, &[tag::ENUM, at], &mut reporter);
    }
    for (extension, at) in file.extension.iter().zip(0..) {
        messages::check_field(extension, &[tag::EXTENSION, at], &mut reporter);
    }
}

/// Appends two parts to a path.
fn join_path(path: &[i32], parts: [i32; 2]) -> Vec<i32> {
    [path, &parts].concat()
}
