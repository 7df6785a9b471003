//! Checks the limits of an upload and parses its files.

use crate::bundled::is_standard;
use crate::catch_panic::catch_panic_at;
use crate::code;
use crate::diagnostic::{Diagnostics, SourceLocation};
use crate::malformed::malformed_reason;
use crate::protoc;
use crate::scan::{self, MAX_NESTING, Syntax};
use crate::source::{Input, ParsedFile, ParsedFiles, ParsedUpload, SourceFile};
use bytes::Bytes;
use groundplan_budget::Budget;
use groundplan_error::Error;
use miette::Diagnostic as _;
use prost::Message as _;
use prost_types::FileDescriptorProto;
use protox::file::File;
use std::collections::BTreeSet;
use std::collections::btree_map::Entry;

/// The maximum number of files.
pub const MAX_FILES: usize = 1_000;
/// The maximum size of a file, in bytes.
pub const MAX_FILE_SIZE: usize = 1 << 20;
/// The maximum size of all files together, in bytes.
pub const MAX_INPUT_SIZE: usize = 8 << 20;

const MAX_PATH: usize = 512;

/// The maximum number of syntax errors that are reported for one file: most follow from the first.
const MAX_PARSE_ERRORS: usize = 50;

/// A descriptor set whose files are kept encoded, so that custom options survive.
#[derive(Clone, PartialEq, prost::Message)]
struct RawSet {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    file: Vec<Bytes>,
}

/// Parses the files of an upload and reports the errors.
pub(crate) fn parse(input: Input, budget: &Budget, diagnostics: &mut Diagnostics) -> Result<ParsedUpload, Error> {
    match input {
        Input::Files(files) => {
            let mut rejected: BTreeSet<String> = files.iter().map(|file| file.path.clone()).collect();
            let parsed = parse_files(files, budget, diagnostics)?;
            rejected.retain(|path| !parsed.contains_key(path));
            Ok(ParsedUpload { files: parsed, rejected })
        }
        Input::DescriptorSet(bytes) => {
            let mut rejected = BTreeSet::new();
            let parsed = parse_descriptor_set(bytes, budget, &mut rejected, diagnostics)?;
            rejected.retain(|path| !parsed.contains_key(path));
            Ok(ParsedUpload { files: parsed, rejected })
        }
    }
}

fn parse_files(files: Vec<SourceFile>, budget: &Budget, diagnostics: &mut Diagnostics) -> Result<ParsedFiles, Error> {
    let size = files.iter().map(|file| file.content.len()).sum();
    let mut parsed = ParsedFiles::new();
    if !check_limits(files.len(), size, diagnostics) {
        return Ok(parsed);
    }
    let mut paths = BTreeSet::new();
    for SourceFile { path, content } in files {
        budget.check()?;
        if !check_path(&path, diagnostics) || is_standard(&path) {
            continue;
        }
        let content = strip_byte_order_mark(content);
        if !paths.insert(path.clone()) {
            report_duplicate(&path, diagnostics);
        } else if content.len() > MAX_FILE_SIZE {
            let message = format!("the file has {} bytes; at most {MAX_FILE_SIZE} (1 MiB) are allowed", content.len());
            diagnostics.report(
                SourceLocation::of_file(&path),
                code::FILE_TOO_LARGE,
                message,
                "split it into several files",
            );
        } else if let Some(descriptor) = parse_file(&path, &content, diagnostics) {
            let before = diagnostics.len();
            protoc::check_parsed(&descriptor, diagnostics);
            if diagnostics.len() == before {
                parsed.insert(path, ParsedFile { descriptor, encoded: None, text: Some(content) });
            }
        }
    }
    Ok(parsed)
}

/// Removes the byte order mark that some Windows editors write. protoc skips it too.
fn strip_byte_order_mark(mut text: String) -> String {
    if text.starts_with('\u{feff}') {
        text.remove(0);
    }
    text
}

/// Parses one `.proto` file.
fn parse_file(path: &str, text: &str, diagnostics: &mut Diagnostics) -> Option<FileDescriptorProto> {
    let scan = scan::scan(text);
    let syntax_location = SourceLocation::at_offset(path, text, scan.syntax_at);
    if let Some(at) = scan.too_deep_at {
        let message = format!("brackets are nested deeper than {MAX_NESTING} levels");
        diagnostics.report(
            SourceLocation::at_offset(path, text, at),
            code::NESTING_TOO_DEEP,
            message,
            "move inner messages to the top level",
        );
        return None;
    }
    if let Syntax::Edition(edition) = scan.syntax {
        report_edition(syntax_location, &edition, diagnostics);
        return None;
    }
    match catch_panic_at(|| SourceLocation::of_file(path), || File::from_source(path, text)) {
        Err(panicked) => diagnostics.add(panicked),
        Ok(Ok(file)) => return Some(file.into()),
        Ok(Err(_)) if scan.syntax == Syntax::Proto2 => report_proto2(syntax_location, diagnostics),
        Ok(Err(error)) => report_parse_error(path, text, &error, diagnostics),
    }
    None
}

fn report_parse_error(path: &str, text: &str, error: &protox::Error, diagnostics: &mut Diagnostics) {
    let mut report = |part: &dyn miette::Diagnostic| {
        let offset = part.labels().and_then(|mut labels| labels.next()).map_or(text.len(), |label| label.offset());
        let help = part
            .help()
            .map_or_else(|| "see https://protobuf.dev/programming-guides/proto3".to_owned(), |help| help.to_string());
        // The parser reports an invalid import as an invalid group name.
        let is_import = help.contains("backslashes");
        let message = if is_import { "the import is not a path".to_owned() } else { part.to_string() };
        diagnostics.report(SourceLocation::at_offset(path, text, offset), code::PROTO_SYNTAX, message, help);
    };
    report(error);
    for part in error.related().into_iter().flatten().take(MAX_PARSE_ERRORS) {
        report(part);
    }
}

fn parse_descriptor_set(
    bytes: Bytes,
    budget: &Budget,
    rejected: &mut BTreeSet<String>,
    diagnostics: &mut Diagnostics,
) -> Result<ParsedFiles, Error> {
    let size = bytes.len();
    let mut parsed = ParsedFiles::new();
    let set = match RawSet::decode(bytes) {
        Ok(set) => set,
        Err(_) => {
            let message = "the input is not a serialized google.protobuf.FileDescriptorSet";
            diagnostics.report(SourceLocation::default(), code::DESCRIPTOR_SET_INVALID, message, HELP_SET);
            return Ok(parsed);
        }
    };
    if !check_limits(set.file.len(), size, diagnostics) {
        return Ok(parsed);
    }
    for (encoded, at) in set.file.into_iter().zip(1..) {
        budget.check()?;
        let Ok(descriptor) = FileDescriptorProto::decode(encoded.clone()) else {
            let message = format!("file {at} of the descriptor set is not a google.protobuf.FileDescriptorProto");
            diagnostics.report(SourceLocation::default(), code::DESCRIPTOR_SET_INVALID, message, HELP_SET);
            continue;
        };
        let path = descriptor.name().to_owned();
        if !check_path(&path, diagnostics) || is_standard(&path) {
            continue;
        }
        if !check_descriptor(&descriptor, diagnostics) {
            rejected.insert(path);
            continue;
        }
        match parsed.entry(path) {
            Entry::Occupied(first) => report_duplicate(first.key(), diagnostics),
            Entry::Vacant(location) => {
                location.insert(ParsedFile { descriptor, encoded: Some(encoded), text: None });
            }
        }
    }
    Ok(parsed)
}

const HELP_SET: &str =
    "create it with `buf build -o models.binpb` or `protoc --include_imports --include_source_info -o models.binpb`";

/// Checks that a file of a descriptor set is one that a compiler could have written, and reports why not.
fn check_descriptor(descriptor: &FileDescriptorProto, diagnostics: &mut Diagnostics) -> bool {
    let before = diagnostics.len();
    let location = || SourceLocation::of_file(descriptor.name());
    match descriptor.syntax.as_deref() {
        None | Some("proto2" | "proto3") => {}
        Some("") => {
            let message = "the syntax of the file is empty";
            diagnostics.report(location(), code::DESCRIPTOR_SET_INVALID, message, HELP_SET);
        }
        Some(other) => report_edition(location(), other, diagnostics),
    }
    if let Some(reason) = malformed_reason(descriptor) {
        diagnostics.report(location(), code::NAME_INVALID, reason, "compile it with buf or protoc");
    }
    if diagnostics.len() == before {
        protoc::check_parsed(descriptor, diagnostics);
    }
    diagnostics.len() == before
}

fn check_limits(files: usize, size: usize, diagnostics: &mut Diagnostics) -> bool {
    let before = diagnostics.is_empty();
    if files == 0 {
        diagnostics.report(
            SourceLocation::default(),
            code::INPUT_EMPTY,
            "there are no files",
            "upload at least one .proto file with a model",
        );
    }
    if files > MAX_FILES {
        let message = format!("there are {files} files; at most {MAX_FILES} are allowed");
        diagnostics.report(
            SourceLocation::default(),
            code::FILES_TOO_MANY,
            message,
            "remove files that no model imports",
        );
    }
    if size > MAX_INPUT_SIZE {
        let message = format!("the files have {size} bytes together; at most {MAX_INPUT_SIZE} (8 MiB) are allowed");
        diagnostics.report(
            SourceLocation::default(),
            code::INPUT_TOO_LARGE,
            message,
            "remove files that no model imports",
        );
    }
    before && diagnostics.is_empty()
}

fn check_path(path: &str, diagnostics: &mut Diagnostics) -> bool {
    let bad_part = |part: &str| part.is_empty() || part == "." || part == "..";
    let bad_character = |character: char| character.is_control() || matches!(character, '\\' | '"' | '\'');
    let valid = path.ends_with(".proto")
        && path.len() <= MAX_PATH
        && !path.split('/').any(bad_part)
        && !path.contains(bad_character);
    if !valid {
        let message = format!("{:?} is not a path for a .proto file", crate::naming::truncate(path, MAX_PATH));
        let help = "use a relative path with `/` between its parts that ends in .proto, without `..`, quotes or control characters";
        diagnostics.report(
            SourceLocation::of_file(crate::naming::truncate(path, MAX_PATH)),
            code::PATH_INVALID,
            message,
            help,
        );
    }
    valid
}

fn report_duplicate(path: &str, diagnostics: &mut Diagnostics) {
    diagnostics.report(
        SourceLocation::of_file(path),
        code::FILE_TWICE,
        "there are two files with this path",
        "upload each file once",
    );
}

fn report_edition(location: SourceLocation, edition: &str, diagnostics: &mut Diagnostics) {
    let message = format!("editions are not supported, but the file uses edition {edition:?}");
    diagnostics.report(location, code::EDITION_NOT_SUPPORTED, message, "write `syntax = \"proto3\";` instead");
}

/// Reports proto2 for a file that does not parse or that declares types of models.
pub(crate) fn report_proto2(location: SourceLocation, diagnostics: &mut Diagnostics) {
    let message = "proto2 is not supported for models; a file without a syntax is proto2";
    diagnostics.report(
        location,
        code::PROTO2_NOT_SUPPORTED,
        message,
        "write `syntax = \"proto3\";` as the first statement",
    );
}
