//! Reports the linker's errors as diagnostics.

use super::definitions::Definitions;
use super::explain::{Explainer, Explanation};
use crate::code;
use crate::diagnostic::{Diagnostics, SourceLocation};
use crate::source::ParsedFile;
use miette::Diagnostic as _;
use prost_reflect::DescriptorError;
use prost_types::source_code_info::Location;
use prost_types::{DescriptorProto, FileDescriptorProto};

/// The maximum number of bytes to read for locations: the library reads the text from its start for each error.
const MAX_BYTES_READ: usize = 50_000_000;

/// Reports all parts of an error.
pub(super) fn report(
    path: &str,
    parsed: &ParsedFile,
    error: DescriptorError,
    definitions: &Definitions<'_>,
    diagnostics: &mut Diagnostics,
) {
    let number = |value: Option<usize>| value.and_then(|value| u32::try_from(value).ok()).map_or(0, |value| value + 1);
    let first = SourceLocation { file: path.to_owned(), line: number(error.line()), column: number(error.column()) };
    let parts = error.related().map_or(0, Iterator::count) + 1;
    let error = match &parsed.text {
        Some(text) if text.len().saturating_mul(parts) <= MAX_BYTES_READ => error.with_source_code(text),
        _ => error,
    };
    let FileDescriptorProto { dependency, .. } = &parsed.descriptor;
    let explainer = Explainer { path, package: parsed.descriptor.package(), imports: dependency, definitions };
    let location = |part: &dyn miette::Diagnostic| {
        let offset = part.labels()?.last()?.offset();
        Some(SourceLocation::at_offset(path, parsed.text.as_ref()?, offset))
    };
    let describe = |part: &dyn miette::Diagnostic| match part.diagnostic_source() {
        Some(cause) => format!("{part}: {cause}"),
        None => part.to_string(),
    };
    let mut report_at = |location: SourceLocation, part: &dyn miette::Diagnostic| {
        let Explanation { message, help } =
            explainer.explain(&describe(part), part.help().map(|help| help.to_string()));
        diagnostics.report(location, code::PROTO_LINK, message, help);
    };
    report_at(first, &error);
    let others = error.related().into_iter().flatten();
    for part in others.take(Diagnostics::MAX) {
        report_at(location(part).unwrap_or_else(|| SourceLocation::of_file(path)), part);
    }
}

/// Adds locations for map entries, if the file has any. Parsers give the entries none, so an unknown type of a map's
/// values would have no line.
pub(super) fn with_map_entry_locations(parsed: &ParsedFile) -> Option<FileDescriptorProto> {
    let file = &parsed.descriptor;
    parsed.text.as_ref()?;
    let known = &file.source_code_info.as_ref()?.location;
    let mut added = Vec::new();
    for (message, at) in file.message_type.iter().zip(0..) {
        add_locations(message, &[4, at], known, &mut added);
    }
    if added.is_empty() {
        return None;
    }
    let mut file = file.clone();
    file.source_code_info.get_or_insert_default().location.extend(added);
    Some(file)
}

fn add_locations(message: &DescriptorProto, path: &[i32], known: &[Location], added: &mut Vec<Location>) {
    let within = |parts: &[i32]| [path, parts].concat();
    for (nested, at) in message.nested_type.iter().zip(0..) {
        if !nested.options.as_ref().is_some_and(|options| options.map_entry()) {
            add_locations(nested, &within(&[3, at]), known, added);
            continue;
        }
        let of_entry = |name: &str| name.rsplit('.').next() == Some(nested.name());
        let field = message.field.iter().zip(0..).find(|(field, _)| of_entry(field.type_name()));
        let field = field.map(|(_, field)| within(&[2, field]));
        let Some(location) = field.and_then(|field| known.iter().find(|location| location.path == field)) else {
            continue;
        };
        let value = within(&[3, at, 2, 1]);
        for path in [[value.as_slice(), &[6]].concat(), value] {
            added.push(Location { path, span: location.span.clone(), ..Location::default() });
        }
    }
}
