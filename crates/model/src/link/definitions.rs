//! The definitions of all files, to explain names that are not defined.

use crate::bundled::standard_files;
use crate::naming::nearest;
use crate::source::ParsedFiles;
use prost_types::{DescriptorProto, FileDescriptorProto};
use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

/// The definitions of the standard files.
static STANDARD: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    let mut definitions = HashMap::new();
    for (path, file) in standard_files() {
        define_file(file.file_descriptor_proto(), |name| {
            definitions.insert(name, path);
        });
    }
    definitions
});

/// The full names of messages, enums and extensions, with their files.
pub(super) struct Definitions<'a>(HashMap<String, &'a str>);

/// A definition that an undefined name could mean.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Candidate<'a> {
    pub(super) full_name: &'a str,
    pub(super) file: &'a str,
    /// Whether the name matches exactly, by the rules of scopes.
    pub(super) is_exact: bool,
}

impl<'a> Definitions<'a> {
    pub(super) fn enumeration(files: &'a ParsedFiles) -> Self {
        let mut definitions = HashMap::new();
        for (path, parsed) in files {
            define_file(&parsed.descriptor, |name| {
                definitions.insert(name, path.as_str());
            });
        }
        Self(definitions)
    }

    /// Finds the definition that `name` in a file of `package` could mean.
    pub(super) fn find_candidate(&self, name: &str, package: &str) -> Option<Candidate<'_>> {
        let name = name.trim_start_matches('.');
        let scopes = std::iter::successors(Some(package), |scope| {
            (!scope.is_empty()).then(|| scope.rsplit_once('.').map_or("", |(outer, _)| outer))
        });
        let exact = scopes.map(|scope| if scope.is_empty() { name.to_owned() } else { format!("{scope}.{name}") });
        for full_name in exact {
            if let Some((full_name, file)) = self.find(&full_name) {
                return Some(Candidate { full_name, file, is_exact: true });
            }
        }
        let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
        let wanted = last(name);
        // The shortest name is the least nested one.
        let of_that_name = self.iter().filter(|(full_name, _)| last(full_name) == wanted);
        let other = of_that_name.min_by_key(|(full_name, _)| (full_name.len(), *full_name));
        other.map(|(full_name, file)| Candidate { full_name, file, is_exact: false })
    }

    /// Finds the definition with the most similar name.
    pub(super) fn nearest(&self, name: &str) -> Option<Candidate<'_>> {
        let last: BTreeSet<&str> = self.iter().filter_map(|(full_name, _)| full_name.rsplit('.').next()).collect();
        let near = nearest(name.rsplit('.').next().unwrap_or_default(), last.into_iter())?;
        self.find_candidate(near, "")
    }

    fn find(&self, full_name: &str) -> Option<(&str, &str)> {
        let own = self.0.get_key_value(full_name).map(|(name, file)| (name.as_str(), *file));
        own.or_else(|| STANDARD.get_key_value(full_name).map(|(name, file)| (name.as_str(), *file)))
    }

    fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, file)| (name.as_str(), *file))
            .chain(STANDARD.iter().map(|(name, file)| (name.as_str(), *file)))
    }
}

fn define_file(file: &FileDescriptorProto, mut define: impl FnMut(String)) {
    let package = if file.package().is_empty() { String::new() } else { format!("{}.", file.package()) };
    for message in &file.message_type {
        define_message(message, &package, &mut define);
    }
    let enums = file.enum_type.iter().map(|enumeration| enumeration.name());
    for name in enums.chain(file.extension.iter().map(|extension| extension.name())) {
        define(format!("{package}{name}"));
    }
}

fn define_message(message: &DescriptorProto, scope: &str, define: &mut impl FnMut(String)) {
    let inner = format!("{scope}{}.", message.name());
    define(format!("{scope}{}", message.name()));
    for nested in &message.nested_type {
        if !nested.options.as_ref().is_some_and(|options| options.map_entry()) {
            define_message(nested, &inner, define);
        }
    }
    let enums = message.enum_type.iter().map(|enumeration| enumeration.name());
    for name in enums.chain(message.extension.iter().map(|extension| extension.name())) {
        define(format!("{inner}{name}"));
    }
}
