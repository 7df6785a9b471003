//! Models as they are uploaded, and their files once parsed.

use bytes::Bytes;
use prost_types::FileDescriptorProto;
use std::collections::{BTreeMap, BTreeSet};

/// A `.proto` file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// As others import it: relative, `/` between its parts.
    pub path: String,
    /// The text.
    pub content: String,
}

/// Models as they are handed in.
#[derive(Clone, Debug)]
pub enum Input {
    /// `.proto` files. What is [bundled](crate::bundled) need not be among them, and is ignored if it is.
    Files(Vec<SourceFile>),
    /// A serialized `google.protobuf.FileDescriptorSet` with everything imported.
    DescriptorSet(Bytes),
}

/// A file of the user's that could be parsed.
#[derive(Clone, Debug)]
pub(crate) struct Parsed {
    /// Options are not yet interpreted.
    pub(crate) descriptor: FileDescriptorProto,
    /// What a descriptor set had, custom options included.
    pub(crate) encoded: Option<Bytes>,
    /// What a `.proto` file had.
    pub(crate) text: Option<String>,
}

/// The user's files, by path.
pub(crate) type ParsedFiles = BTreeMap<String, Parsed>;

/// What was read.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) parsed: ParsedFiles,
    /// The paths of files that could not be parsed. That is reported, so nobody need hear that they are missing.
    pub(crate) refused: BTreeSet<String>,
}
