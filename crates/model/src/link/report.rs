//! Reports the linker's errors as diagnostics.

use super::names::Names;
use super::words::{Reader, Words};
use crate::code;
use crate::diagnostic::{Findings, Place};
use crate::source::Parsed;
use miette::Diagnostic as _;
use prost_reflect::DescriptorError;
use prost_types::source_code_info::Location;
use prost_types::{DescriptorProto, FileDescriptorProto};

/// The maximum number of bytes to read for locations: the library reads the text from its start for each error.
const MAX_READ: usize = 50_000_000;

/// Reports all parts of an error.
pub(super) fn report(path: &str, parsed: &Parsed, error: DescriptorError, names: &Names<'_>, found: &mut Findings) {
    let number = |value: Option<usize>| value.and_then(|value| u32::try_from(value).ok()).map_or(0, |value| value + 1);
    let first = Place { file: path.to_owned(), line: number(error.line()), column: number(error.column()) };
    let parts = error.related().map_or(0, Iterator::count) + 1;
    let error = match &parsed.text {
        Some(text) if text.len().saturating_mul(parts) <= MAX_READ => error.with_source_code(text),
        _ => error,
    };
    let FileDescriptorProto { dependency, .. } = &parsed.descriptor;
    let reader = Reader { path, package: parsed.descriptor.package(), imports: dependency, names };
    let place = |part: &dyn miette::Diagnostic| {
        let offset = part.labels()?.last()?.offset();
        Some(Place::offset(path, parsed.text.as_ref()?, offset))
    };
    let say = |part: &dyn miette::Diagnostic| match part.diagnostic_source() {
        Some(cause) => format!("{part}: {cause}"),
        None => part.to_string(),
    };
    let mut say_at = |place: Place, part: &dyn miette::Diagnostic| {
        let Words { message, help } = reader.words(&say(part), part.help().map(|help| help.to_string()));
        found.report(place, code::PROTO_LINK, message, help);
    };
    say_at(first, &error);
    let others = error.related().into_iter().flatten();
    for part in others.take(Findings::MAX) {
        say_at(place(part).unwrap_or_else(|| Place::file(path)), part);
    }
}

/// Adds locations for map entries, if the file has any. Parsers give the entries none, so an unknown type of a map's
/// values would have no line.
pub(super) fn with_places_of_map_entries(parsed: &Parsed) -> Option<FileDescriptorProto> {
    let file = &parsed.descriptor;
    parsed.text.as_ref()?;
    let known = &file.source_code_info.as_ref()?.location;
    let mut added = Vec::new();
    for (message, at) in file.message_type.iter().zip(0..) {
        add_places(message, &[4, at], known, &mut added);
    }
    if added.is_empty() {
        return None;
    }
    let mut file = file.clone();
    file.source_code_info.get_or_insert_default().location.extend(added);
    Some(file)
}

fn add_places(message: &DescriptorProto, path: &[i32], known: &[Location], added: &mut Vec<Location>) {
    let within = |parts: &[i32]| [path, parts].concat();
    for (nested, at) in message.nested_type.iter().zip(0..) {
        if !nested.options.as_ref().is_some_and(|options| options.map_entry()) {
            add_places(nested, &within(&[3, at]), known, added);
            continue;
        }
        let of_entry = |name: &str| name.rsplit('.').next() == Some(nested.name());
        let field = message.field.iter().zip(0..).find(|(field, _)| of_entry(field.type_name()));
        let field = field.map(|(_, field)| within(&[2, field]));
        let Some(place) = field.and_then(|field| known.iter().find(|location| location.path == field)) else {
            continue;
        };
        let value = within(&[3, at, 2, 1]);
        for path in [[value.as_slice(), &[6]].concat(), value] {
            added.push(Location { path, span: place.span.clone(), ..Location::default() });
        }
    }
}
