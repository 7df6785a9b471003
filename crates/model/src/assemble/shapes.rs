//! Builds [`Shapes`] from message descriptors.

use super::error::LoadError;
use crate::comments::Comments;
use crate::roles;
use crate::shape::{Cardinality, EnumId, EnumShape, Field, FieldId, Kind, Oneof, Shape, ShapeId, Shapes};
use crate::storage_names::StorageNames;
use crate::types::{Reachable, WellKnown, integer, map_key, value_kind, well_known};
use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind as DescriptorKind, MessageDescriptor};
use std::collections::HashMap;

/// Field numbers below this are indexes of a table; larger ones are keys of a map.
const SMALL_NUMBERS: u32 = 256;

/// Builds the shapes of all types that models use. `models` are the full names of the messages that are models.
pub(super) fn build_shapes(
    reachable: &Reachable,
    models: &[&str],
    names: &StorageNames,
    comments: &mut Comments,
) -> Result<Shapes, LoadError> {
    let number = |at: usize| u32::try_from(at).map_err(|_| LoadError::Model("there are too many types".to_owned()));
    let mut builder = ShapeBuilder { by_name: HashMap::new(), enums: HashMap::new(), models, names, comments };
    for (at, message) in reachable.messages.iter().enumerate() {
        builder.by_name.insert(message.full_name().to_owned(), ShapeId(number(at)?));
    }
    for (at, enumeration) in reachable.enums.iter().enumerate() {
        builder.enums.insert(enumeration.full_name().to_owned(), EnumId(number(at)?));
    }
    let shapes = reachable.messages.iter().map(|message| builder.shape(message)).collect::<Result<_, _>>()?;
    let enums = reachable.enums.iter().map(build_enum).collect();
    Ok(Shapes { shapes, enums, by_name: builder.by_name })
}

struct ShapeBuilder<'a> {
    by_name: HashMap<String, ShapeId>,
    enums: HashMap<String, EnumId>,
    models: &'a [&'a str],
    names: &'a StorageNames,
    comments: &'a mut Comments,
}

impl ShapeBuilder<'_> {
    fn shape(&mut self, message: &MessageDescriptor) -> Result<Shape, LoadError> {
        let full_name = message.full_name();
        let is_model = self.models.contains(&full_name);
        let mut fields = Vec::new();
        let mut members: Vec<(String, Vec<FieldId>)> = Vec::new();
        for descriptor in message.fields() {
            let id = u16::try_from(fields.len())
                .map(FieldId)
                .map_err(|_| LoadError::Model(format!("{full_name} has too many fields")))?;
            let mut field = self.field(&descriptor, is_model)?;
            if let Some(oneof) = real_oneof(&descriptor) {
                let at = members.iter().position(|(name, _)| *name == oneof).unwrap_or_else(|| {
                    members.push((oneof, Vec::new()));
                    members.len() - 1
                });
                if let (Some((_, members)), Ok(at)) = (members.get_mut(at), u16::try_from(at)) {
                    members.push(id);
                    field.cardinality = Cardinality::Oneof(at);
                }
            }
            fields.push(field);
        }
        let comment = self.comments.get(&message.parent_file(), message.path());
        let oneofs = members.into_iter().map(|(name, members)| Oneof { name, members }).collect();
        Ok(build_shape(full_name, comment, fields, oneofs))
    }

    fn field(&mut self, field: &FieldDescriptor, is_model: bool) -> Result<Field, LoadError> {
        let message = field.parent_message();
        let role = if is_model { roles::field_role(field) } else { None };
        let storage_name = self.names.get(message.full_name(), field.number()).unwrap_or(field.name());
        Ok(Field {
            number: field.number(),
            name: field.name().to_owned(),
            json_name: field.json_name().to_owned(),
            storage_name: storage_name.to_owned(),
            comment: self.comments.get(&message.parent_file(), field.path()),
            kind: self.kind(field)?,
            cardinality: cardinality(field)?,
            behavior: roles::field_behavior(field, role),
            deprecated: field
                .field_descriptor_proto()
                .options
                .as_ref()
                .is_some_and(prost_types::FieldOptions::deprecated),
        })
    }

    fn kind(&self, field: &FieldDescriptor) -> Result<Kind, LoadError> {
        let unsupported = || LoadError::Model(format!("the type of {} is not supported", field.full_name()));
        Ok(match value_kind(field) {
            DescriptorKind::Bool => Kind::Bool,
            DescriptorKind::Float => Kind::Float,
            DescriptorKind::Double => Kind::Double,
            DescriptorKind::String => Kind::String,
            DescriptorKind::Bytes => Kind::Bytes,
            DescriptorKind::Enum(enumeration) => {
                Kind::Enum(*self.enums.get(enumeration.full_name()).ok_or_else(unsupported)?)
            }
            DescriptorKind::Message(message) => match well_known(message.full_name()) {
                Some(WellKnown::Timestamp) => Kind::Timestamp,
                Some(WellKnown::Duration) => Kind::Duration,
                Some(WellKnown::Wrapper(wrapped)) => Kind::Wrapper(wrapped),
                Some(WellKnown::FieldMask) => Kind::FieldMask,
                Some(WellKnown::Struct) => Kind::Struct,
                Some(WellKnown::Value) => Kind::Value,
                Some(WellKnown::ListValue) => Kind::ListValue,
                Some(WellKnown::Empty) => Kind::Empty,
                None => Kind::Message(*self.by_name.get(message.full_name()).ok_or_else(unsupported)?),
            },
            other => Kind::Integer(integer(&other).ok_or_else(unsupported)?),
        })
    }
}

/// Returns the oneof that a field shares with others. A field alone in a oneof is treated as `optional`.
fn real_oneof(field: &FieldDescriptor) -> Option<String> {
    let oneof = field.containing_oneof()?;
    (!oneof.is_synthetic() && oneof.fields().len() > 1).then(|| oneof.name().to_owned())
}

fn cardinality(field: &FieldDescriptor) -> Result<Cardinality, LoadError> {
    if let (true, DescriptorKind::Message(entry)) = (field.is_map(), field.kind()) {
        let key = map_key(&entry.map_entry_key_field().kind());
        let key =
            key.ok_or_else(|| LoadError::Model(format!("the keys of {} are not supported", field.full_name())))?;
        return Ok(Cardinality::Map(key));
    }
    Ok(match (field.is_list(), field.supports_presence()) {
        (true, _) => Cardinality::Repeated,
        (false, true) => Cardinality::Explicit,
        (false, false) => Cardinality::Implicit,
    })
}

fn build_shape(full_name: &str, comment: String, fields: Vec<Field>, oneofs: Vec<Oneof>) -> Shape {
    let largest = fields.iter().map(|field| field.number).filter(|&number| number < SMALL_NUMBERS).max().unwrap_or(0);
    let mut shape = Shape {
        full_name: full_name.to_owned(),
        comment,
        fields: Vec::new(),
        oneofs,
        small_numbers: vec![None; largest as usize + 1],
        large_numbers: HashMap::new(),
        names: HashMap::new(),
        storage_names: HashMap::new(),
    };
    for (field, id) in fields.iter().zip((0..).map(FieldId)) {
        match shape.small_numbers.get_mut(field.number as usize) {
            Some(entry) => *entry = Some(id),
            None => {
                shape.large_numbers.insert(field.number, id);
            }
        }
        shape.storage_names.insert(field.storage_name.clone(), id);
    }
    // A JSON name takes precedence over the proto name of another field; the compiler rejects such models anyway.
    for (field, id) in fields.iter().zip((0..).map(FieldId)) {
        shape.names.insert(field.name.clone(), id);
    }
    for (field, id) in fields.iter().zip((0..).map(FieldId)) {
        shape.names.insert(field.json_name.clone(), id);
    }
    shape.fields = fields;
    shape
}

fn build_enum(enumeration: &EnumDescriptor) -> EnumShape {
    let mut shape = EnumShape {
        full_name: enumeration.full_name().to_owned(),
        values: Vec::new(),
        by_name: HashMap::new(),
        by_number: HashMap::new(),
    };
    for value in &enumeration.enum_descriptor_proto().value {
        shape.values.push((value.name().to_owned(), value.number()));
        shape.by_name.insert(value.name().to_owned(), value.number());
        shape.by_number.entry(value.number()).or_insert_with(|| value.name().to_owned());
    }
    shape
}
