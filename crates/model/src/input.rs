//! Checks the limits of an upload and parses its files.

use crate::bundled::is_standard;
use crate::catch_panic::catch_panic_at;
use crate::code;
use crate::diagnostic::{Findings, Place};
use crate::malformed::malformed;
use crate::protoc;
use crate::scan::{self, MAX_NESTING, Syntax};
use crate::source::{Input, Parsed, ParsedFiles, Read, SourceFile};
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
pub(crate) fn read(input: Input, budget: &Budget, found: &mut Findings) -> Result<Read, Error> {
    match input {
        Input::Files(files) => {
            let mut refused: BTreeSet<String> = files.iter().map(|file| file.path.clone()).collect();
            let parsed = read_files(files, budget, found)?;
            refused.retain(|path| !parsed.contains_key(path));
            Ok(Read { parsed, refused })
        }
        Input::DescriptorSet(bytes) => {
            let mut refused = BTreeSet::new();
            let parsed = read_descriptor_set(bytes, budget, &mut refused, found)?;
            refused.retain(|path| !parsed.contains_key(path));
            Ok(Read { parsed, refused })
        }
    }
}

fn read_files(files: Vec<SourceFile>, budget: &Budget, found: &mut Findings) -> Result<ParsedFiles, Error> {
    let size = files.iter().map(|file| file.content.len()).sum();
    let mut parsed = ParsedFiles::new();
    if !within_limits(files.len(), size, found) {
        return Ok(parsed);
    }
    let mut paths = BTreeSet::new();
    for SourceFile { path, content } in files {
        budget.check()?;
        if !path_is_valid(&path, found) || is_standard(&path) {
            continue;
        }
        let content = without_mark(content);
        if !paths.insert(path.clone()) {
            report_twice(&path, found);
        } else if content.len() > MAX_FILE_SIZE {
            let message = format!("the file has {} bytes; at most {MAX_FILE_SIZE} (1 MiB) are allowed", content.len());
            found.report(Place::file(&path), code::FILE_TOO_LARGE, message, "split it into several files");
        } else if let Some(descriptor) = parse(&path, &content, found) {
            let before = found.len();
            protoc::check_parsed(&descriptor, found);
            if found.len() == before {
                parsed.insert(path, Parsed { descriptor, encoded: None, text: Some(content) });
            }
        }
    }
    Ok(parsed)
}

/// Removes the byte order mark that some Windows editors write. protoc skips it too.
fn without_mark(mut text: String) -> String {
    if text.starts_with('\u{feff}') {
        text.remove(0);
    }
    text
}

/// Parses one `.proto` file.
fn parse(path: &str, text: &str, found: &mut Findings) -> Option<FileDescriptorProto> {
    let look = scan::scan(text);
    let syntax_place = Place::offset(path, text, look.syntax_at);
    if let Some(at) = look.too_deep_at {
        let message = format!("brackets nest deeper than {MAX_NESTING}");
        found.report(
            Place::offset(path, text, at),
            code::NESTING_TOO_DEEP,
            message,
            "move inner parts to the top level",
        );
        return None;
    }
    if let Syntax::Edition(edition) = look.syntax {
        report_edition(syntax_place, &edition, found);
        return None;
    }
    match catch_panic_at(|| Place::file(path), || File::from_source(path, text)) {
        Err(panicked) => found.add(panicked),
        Ok(Ok(file)) => return Some(file.into()),
        Ok(Err(_)) if look.syntax == Syntax::Proto2 => report_proto2(syntax_place, found),
        Ok(Err(error)) => report_parse_error(path, text, &error, found),
    }
    None
}

fn report_parse_error(path: &str, text: &str, error: &protox::Error, found: &mut Findings) {
    let mut report = |part: &dyn miette::Diagnostic| {
        let offset = part.labels().and_then(|mut labels| labels.next()).map_or(text.len(), |label| label.offset());
        let help = part
            .help()
            .map_or_else(|| "see https://protobuf.dev/programming-guides/proto3".to_owned(), |help| help.to_string());
        // The parser reports an invalid import as an invalid group name.
        let is_import = help.starts_with("imports may not");
        let message = if is_import { "the import is not a path".to_owned() } else { part.to_string() };
        found.report(Place::offset(path, text, offset), code::PROTO_SYNTAX, message, help);
    };
    report(error);
    for part in error.related().into_iter().flatten().take(MAX_PARSE_ERRORS) {
        report(part);
    }
}

fn read_descriptor_set(
    bytes: Bytes,
    budget: &Budget,
    refused: &mut BTreeSet<String>,
    found: &mut Findings,
) -> Result<ParsedFiles, Error> {
    let size = bytes.len();
    let mut parsed = ParsedFiles::new();
    let set = match RawSet::decode(bytes) {
        Ok(set) => set,
        Err(_) => {
            let message = "the input is not a serialized google.protobuf.FileDescriptorSet";
            found.report(Place::default(), code::DESCRIPTOR_SET_INVALID, message, HELP_SET);
            return Ok(parsed);
        }
    };
    if !within_limits(set.file.len(), size, found) {
        return Ok(parsed);
    }
    for (encoded, at) in set.file.into_iter().zip(1..) {
        budget.check()?;
        let Ok(descriptor) = FileDescriptorProto::decode(encoded.clone()) else {
            let message = format!("file {at} of the descriptor set is not a google.protobuf.FileDescriptorProto");
            found.report(Place::default(), code::DESCRIPTOR_SET_INVALID, message, HELP_SET);
            continue;
        };
        let path = descriptor.name().to_owned();
        if !path_is_valid(&path, found) || is_standard(&path) {
            continue;
        }
        if !descriptor_is_sound(&descriptor, found) {
            refused.insert(path);
            continue;
        }
        match parsed.entry(path) {
            Entry::Occupied(first) => report_twice(first.key(), found),
            Entry::Vacant(place) => {
                place.insert(Parsed { descriptor, encoded: Some(encoded), text: None });
            }
        }
    }
    Ok(parsed)
}

const HELP_SET: &str =
    "make it with `buf build -o models.binpb` or `protoc --include_imports --include_source_info -o models.binpb`";

/// Checks that a file of a descriptor set is one that a compiler could have written, and reports why not.
fn descriptor_is_sound(descriptor: &FileDescriptorProto, found: &mut Findings) -> bool {
    let before = found.len();
    let place = || Place::file(descriptor.name());
    match descriptor.syntax.as_deref() {
        None | Some("proto2" | "proto3") => {}
        Some("") => {
            let message = "the file has a syntax that is empty";
            found.report(place(), code::DESCRIPTOR_SET_INVALID, message, HELP_SET);
        }
        Some(other) => report_edition(place(), other, found),
    }
    if let Some(reason) = malformed(descriptor) {
        found.report(place(), code::NAME_INVALID, reason, "compile it with buf or protoc");
    }
    if found.len() == before {
        protoc::check_parsed(descriptor, found);
    }
    found.len() == before
}

fn within_limits(files: usize, size: usize, found: &mut Findings) -> bool {
    let before = found.is_empty();
    if files == 0 {
        found.report(
            Place::default(),
            code::INPUT_EMPTY,
            "there are no files",
            "hand in at least one .proto file with a model",
        );
    }
    if files > MAX_FILES {
        let message = format!("there are {files} files; at most {MAX_FILES} are allowed");
        found.report(Place::default(), code::FILES_TOO_MANY, message, "leave out files that no model imports");
    }
    if size > MAX_INPUT_SIZE {
        let message = format!("the files have {size} bytes together; at most {MAX_INPUT_SIZE} (8 MiB) are allowed");
        found.report(Place::default(), code::INPUT_TOO_LARGE, message, "leave out files that no model imports");
    }
    before && found.is_empty()
}

fn path_is_valid(path: &str, found: &mut Findings) -> bool {
    let bad_part = |part: &str| part.is_empty() || part == "." || part == "..";
    let bad_character = |character: char| character.is_control() || matches!(character, '\\' | '"' | '\'');
    let valid = path.ends_with(".proto")
        && path.len() <= MAX_PATH
        && !path.split('/').any(bad_part)
        && !path.contains(bad_character);
    if !valid {
        let message = format!("{:?} is not a path for a .proto file", crate::naming::cut(path, MAX_PATH));
        let help = "use a relative path with `/` between its parts, ending in .proto, without `..`, quotes or control characters";
        found.report(Place::file(crate::naming::cut(path, MAX_PATH)), code::PATH_INVALID, message, help);
    }
    valid
}

fn report_twice(path: &str, found: &mut Findings) {
    found.report(Place::file(path), code::FILE_TWICE, "there are two files of this path", "hand each file in once");
}

fn report_edition(place: Place, edition: &str, found: &mut Findings) {
    let message = format!("editions are not supported, and the file is of edition {edition:?}");
    found.report(place, code::EDITION_NOT_SUPPORTED, message, "write `syntax = \"proto3\";` instead");
}

/// Reports proto2 for a file that does not parse or that declares types of models.
pub(crate) fn report_proto2(place: Place, found: &mut Findings) {
    let message = "proto2 is not supported for models, and a file without a syntax is proto2";
    found.report(place, code::PROTO2_NOT_SUPPORTED, message, "write `syntax = \"proto3\";` as the first statement");
}
