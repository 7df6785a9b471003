//! Reads the comments of messages and fields.

use prost_reflect::FileDescriptor;
use std::collections::HashMap;

/// Comments by file and path; each file is read once.
#[derive(Debug, Default)]
pub(crate) struct Comments {
    files: HashMap<String, HashMap<Vec<i32>, String>>,
}

impl Comments {
    /// Returns the leading comment of an element, or else the trailing one, without markers; empty if there is none.
    pub(crate) fn get(&mut self, file: &FileDescriptor, path: &[i32]) -> String {
        if !self.files.contains_key(file.name()) {
            self.files.insert(file.name().to_owned(), read(file));
        }
        self.files.get(file.name()).and_then(|comments| comments.get(path)).cloned().unwrap_or_default()
    }
}

fn read(file: &FileDescriptor) -> HashMap<Vec<i32>, String> {
    let Some(info) = &file.file_descriptor_proto().source_code_info else { return HashMap::new() };
    let comment = |location: &prost_types::source_code_info::Location| {
        let clean = |text: &Option<String>| text.as_deref().map(clean).filter(|text| !text.is_empty());
        clean(&location.leading_comments).or_else(|| clean(&location.trailing_comments))
    };
    info.location.iter().filter_map(|location| Some((location.path.clone(), comment(location)?))).collect()
}

/// Removes the space after comment markers, and lines for linters.
fn clean(text: &str) -> String {
    let lines = text
        .lines()
        .map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end())
        .filter(|line| !line.trim_start().starts_with("buf:lint:ignore"));
    lines.collect::<Vec<_>>().join("\n").trim_matches('\n').to_owned()
}
