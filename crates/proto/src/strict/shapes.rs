//! What the messages of the suite's own API may hold, by the numbers of their fields.

use crate::DESCRIPTORS;
use prost::Message as _;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorSet};
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// Of all messages that the descriptors have.
pub(super) static SHAPES: LazyLock<Shapes> = LazyLock::new(Shapes::new);

/// Messages by their full names.
#[derive(Debug, Default)]
pub(super) struct Shapes {
    messages: HashMap<String, Shape>,
    /// The messages that methods take.
    requests: HashSet<String>,
}

/// A message.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) name: String,
    fields: HashMap<u32, Field>,
}

/// A field.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) is_repeated: bool,
}

/// How a field stands on the wire.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Varint,
    Fixed32,
    Fixed64,
    Text,
    Bytes,
    /// A message, by its full name.
    Message(String),
}

impl Shapes {
    fn new() -> Self {
        let mut shapes = Self::default();
        // The build has made them: what does not decode has no message, and every test of a call fails.
        let files = FileDescriptorSet::decode(DESCRIPTORS).unwrap_or_default().file;
        for file in files {
            for message in &file.message_type {
                shapes.add(file.package(), message);
            }
            let methods = file.service.iter().flat_map(|service| &service.method);
            shapes.requests.extend(methods.map(|method| bare(method.input_type())));
        }
        shapes
    }

    /// The message of a full name, if it is one that a method takes.
    pub(super) fn request(&self, name: &str) -> Option<&Shape> {
        self.message(name).filter(|_| self.requests.contains(name))
    }

    /// The message of a full name.
    pub(super) fn message(&self, name: &str) -> Option<&Shape> {
        self.messages.get(name)
    }

    fn add(&mut self, scope: &str, message: &DescriptorProto) {
        let name = format!("{scope}.{}", message.name());
        for nested in &message.nested_type {
            self.add(&name, nested);
        }
        let fields =
            message.field.iter().filter_map(|field| Some((u32::try_from(field.number()).ok()?, Field::of(field))));
        self.messages.insert(name.clone(), Shape { name, fields: fields.collect() });
    }
}

impl Shape {
    /// The field of a number.
    pub(super) fn field(&self, number: u32) -> Option<&Field> {
        self.fields.get(&number)
    }
}

impl Field {
    fn of(field: &FieldDescriptorProto) -> Self {
        let kind = match field.r#type() {
            Type::Fixed32 | Type::Sfixed32 | Type::Float => Kind::Fixed32,
            Type::Fixed64 | Type::Sfixed64 | Type::Double => Kind::Fixed64,
            Type::String => Kind::Text,
            Type::Bytes => Kind::Bytes,
            Type::Message | Type::Group => Kind::Message(bare(field.type_name())),
            _ => Kind::Varint,
        };
        Self { name: field.name().to_owned(), kind, is_repeated: field.label() == Label::Repeated }
    }
}

/// Returns a full name without the leading dot of descriptors.
fn bare(name: &str) -> String {
    name.trim_start_matches('.').to_owned()
}
