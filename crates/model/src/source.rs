//! Models as they are uploaded, and their files once parsed.

use bytes::Bytes;
use prost_types::FileDescriptorProto;
use std::collections::{BTreeMap, BTreeSet};

/// A `.proto` file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// The path by which other files import it: relative, with `/` between its parts.
    pub path: String,
    /// The text.
    pub content: String,
}

/// An upload of models.
#[derive(Clone, Debug)]
pub enum Input {
    /// `.proto` files. [Bundled](crate::bundled) files are not needed, and are ignored if present.
    Files(Vec<SourceFile>),
    /// A serialized `google.protobuf.FileDescriptorSet` with all imports.
    DescriptorSet(Bytes),
}

/// An uploaded file that was parsed.
#[derive(Clone, Debug)]
pub(crate) struct ParsedFile {
    /// The descriptor, with options that are not interpreted yet.
    pub(crate) descriptor: FileDescriptorProto,
    /// The encoded descriptor with its custom options, if the file came in a descriptor set.
    pub(crate) encoded: Option<Bytes>,
    /// The text, if the file came as `.proto`.
    pub(crate) text: Option<String>,
}

/// The uploaded files, by path.
pub(crate) type ParsedFiles = BTreeMap<String, ParsedFile>;

/// The result of parsing an upload.
#[derive(Debug, Default)]
pub(crate) struct ParsedUpload {
    pub(crate) files: ParsedFiles,
    /// The paths of files that could not be parsed. They have a diagnostic of their own, so imports of them are not
    /// reported as unknown.
    pub(crate) rejected: BTreeSet<String>,
}
