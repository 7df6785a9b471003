//! Explains the linker's errors. The library's messages mention its own types, and point to Protocol Buffers
//! documentation where an import is missing.

use super::definitions::{Candidate, Definitions};
use crate::bundled::standard_paths;
use crate::naming::nearest;

/// The default help: the language guide.
const LANGUAGE: &str = "see https://protobuf.dev/programming-guides/proto3";

/// A message and its remedy.
pub(super) struct Explanation {
    pub(super) message: String,
    pub(super) help: String,
}

/// The file with the error.
pub(super) struct Explainer<'a> {
    pub(super) path: &'a str,
    pub(super) package: &'a str,
    pub(super) imports: &'a [String],
    pub(super) definitions: &'a Definitions<'a>,
}

impl Explainer<'_> {
    /// Explains a part of an error: the library's message and its optional help.
    pub(super) fn explain(&self, message: &str, help: Option<String>) -> Explanation {
        if let Some(name) = strip_around(message, "name '", "' is not defined") {
            return self.explain_undefined(name);
        }
        if let Some(name) =
            strip_around(message, "'", "', which is not defined").and_then(|rest| rest.split('\'').next())
        {
            return self.explain_undefined(name);
        }
        if let Some(name) = strip_around(message, "option field '", "' is not defined") {
            let message = format!("the option `{name}` does not exist");
            return Explanation { message, help: "correct its name, or remove it".to_owned() };
        }
        if let Some(name) = strip_around(message, "option field '", "' has already been set") {
            let message = format!("the option `{name}` is set twice");
            return Explanation { message, help: "set it once".to_owned() };
        }
        if message.starts_with("failed to decode file descriptor set") {
            let message = "an option of the file cannot be read".to_owned();
            return Explanation { message, help: "compile the models with buf or protoc again".to_owned() };
        }
        let fallback = default_help(message).unwrap_or(LANGUAGE);
        Explanation { message: message.to_owned(), help: help.unwrap_or_else(|| fallback.to_owned()) }
    }

    /// Explains an undefined name, with the missing import if there is one.
    fn explain_undefined(&self, name: &str) -> Explanation {
        let shown = name.trim_start_matches('.');
        let message = format!("`{shown}` is not defined");
        if let Some(candidate) = self.definitions.find_candidate(name, self.package) {
            return Explanation { message, help: self.remedy(&candidate) };
        }
        let path = unbundled(shown);
        let help = match (path, self.definitions.nearest(name)) {
            (Some(path), _) => format!("{path:?} is not bundled; {COPY_IT}, and import it"),
            (None, Some(near)) => format!("did you mean `{}`? {}", near.full_name, capitalised(&self.remedy(&near))),
            (None, None) => "define it, or import the file that defines it".to_owned(),
        };
        Explanation { message, help }
    }

    /// Returns what to write so that a name resolves.
    fn remedy(&self, candidate: &Candidate<'_>) -> String {
        let Candidate { full_name, file, is_exact } = candidate;
        let is_imported = *file == self.path || self.imports.iter().any(|import| import == file);
        match (is_imported, is_exact) {
            (false, true) => format!("add `import {file:?};`"),
            (false, false) => format!("write `{full_name}`, and add `import {file:?};`"),
            // A definition in an inner scope hides the first part of the name.
            (true, true) => format!("write `.{full_name}`"),
            (true, false) => format!("write `{full_name}`"),
        }
    }
}

/// Returns the remedy for an import that is neither uploaded nor bundled.
pub(super) fn unknown_import_help<'a>(import: &str, uploaded: impl Iterator<Item = &'a str>) -> String {
    const RELATIVE: &str = "paths are relative to the applied folder";
    let known: Vec<&str> = uploaded.chain(standard_paths().map(|path| -> &str { path })).collect();
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    // The same file in another folder, or a typo. Equal folders alone are not similar: many files share them.
    let moved = known.iter().find(|path| name(path) == name(import));
    let near =
        || nearest(import, known.iter().copied().filter(|path| strsim::levenshtein(&name(path), &name(import)) <= 2));
    match moved.copied().or_else(near) {
        Some(near) => format!("did you mean {near:?}? {}", capitalised(RELATIVE)),
        None if import.starts_with("google/") => format!("it is not bundled; {COPY_IT}"),
        None => format!("upload it too; {RELATIVE}"),
    }
}

const COPY_IT: &str = "copy it from https://github.com/googleapis/googleapis into the applied folder";

/// Returns the Google file that defines a name, if it is not bundled.
fn unbundled(name: &str) -> Option<String> {
    let (package, message) = name.rsplit_once('.')?;
    let known = ["google.type", "google.rpc", "google.api", "google.geo.type", "google.longrunning"];
    known
        .contains(&package)
        .then(|| format!("{}/{}.proto", package.replace('.', "/"), crate::naming::snake_case(message)))
}

/// Returns the remedy for an error for which the library has no help.
fn default_help(message: &str) -> Option<&'static str> {
    const HELP: &[(&str, &str)] = &[
        ("is defined twice", "rename one of them"),
        ("is already defined in file", "rename one of them, or move one to another package"),
        ("field number", "give the field an unused number"),
        ("a field with JSON name", "change `json_name`, or rename one of them"),
        ("camel-case name of field", "rename one of them"),
        ("is not a message", "use a message type, an enum or a scalar type"),
        ("the first value for proto3 enums must be 0", "start the enum with a value such as `UNSPECIFIED = 0`"),
        ("enums must have at least one value", "add a value with the number 0"),
        ("enum number", "give the value an unused number"),
        ("as an extension number", "give the extension a number in an extension range of the extended message"),
    ];
    HELP.iter().find(|(words, _)| message.contains(words)).map(|(_, help)| *help)
}

fn strip_around<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.strip_prefix(before)?.strip_suffix(after)
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
