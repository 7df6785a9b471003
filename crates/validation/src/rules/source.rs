//! Reads rules from the options in descriptors.

use super::RequiredOneof;
use crate::source_location::SourceLocation;
use groundplan_model::catalog::Catalog;
use groundplan_model::shape::{Field, Shape};
use prost_protovalidate::types::{
    FieldConstraintsDynExt, FieldConstraintsExt, FieldRules, MessageConstraintsExt, MessageRules, OneofConstraintsExt,
};
use prost_reflect::prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, ReflectMessage as _, Value};

/// The descriptors of a catalog.
pub(super) struct Source<'a> {
    pool: &'a DescriptorPool,
}

/// The rules of a field.
#[derive(Default)]
pub(super) struct FieldSource {
    pub(super) rules: FieldRules,
    /// The same with predefined rules, which are extensions.
    pub(super) extended: Option<DynamicMessage>,
}

impl<'a> Source<'a> {
    pub(super) fn new(catalog: &'a Catalog) -> Self {
        Self { pool: &catalog.pool }
    }

    /// Returns a message's rules, or why they cannot be read.
    pub(super) fn message(&self, shape: &Shape) -> Result<MessageRules, String> {
        let rules = self.descriptor(shape).map(|descriptor| descriptor.message_constraints());
        match rules.transpose() {
            Ok(rules) => Ok(rules.flatten().unwrap_or_default()),
            Err(error) => Err(format!("the rules of {} cannot be read: {error}", shape.full_name)),
        }
    }

    /// Returns a field's rules, or why they cannot be read.
    pub(super) fn field(&self, shape: &Shape, field: &Field) -> Result<FieldSource, String> {
        let Some(descriptor) = self.descriptor(shape).and_then(|message| message.get_field(field.number)) else {
            return Ok(FieldSource::default());
        };
        let unreadable =
            |error: &dyn std::fmt::Display| format!("the rules of {} cannot be read: {error}", descriptor.full_name());
        let Some(rules) = descriptor.field_constraints().map_err(|error| unreadable(&error))? else {
            return Ok(FieldSource::default());
        };
        let extended = descriptor.field_constraints_dynamic().map(|rules| self.resolved(&rules)).transpose();
        let extended = extended.map_err(|error| unreadable(&error))?;
        if extended.as_ref().is_some_and(has_unknown_fields) {
            return Err(format!("unknown rules in {}: import the file that declares them", descriptor.full_name()));
        }
        Ok(FieldSource { rules, extended })
    }

    /// Returns the oneofs of a message that must have a member set.
    pub(super) fn required_oneofs(&self, shape: &Shape) -> Result<Vec<RequiredOneof>, String> {
        let Some(descriptor) = self.descriptor(shape) else { return Ok(Vec::new()) };
        let mut required = Vec::new();
        for oneof in descriptor.oneofs().filter(|oneof| !oneof.is_synthetic()) {
            let is_required = oneof.try_is_required();
            if is_required.map_err(|error| format!("the rules of {} cannot be read: {error}", oneof.full_name()))? {
                let names: Vec<String> = oneof.fields().map(|member| member.name().to_owned()).collect();
                required.push(RequiredOneof {
                    name: oneof.name().to_owned(),
                    members: oneof.fields().filter_map(|member| shape.by_number(member.number())).collect(),
                    description: crate::messages::required_oneof(&names),
                });
            }
        }
        Ok(required)
    }

    /// Returns where a message is declared.
    pub(super) fn message_location(&self, shape: &Shape) -> SourceLocation {
        self.descriptor(shape).map_or_else(SourceLocation::unknown, |message| SourceLocation::message(&message))
    }

    /// Returns where a field is declared.
    pub(super) fn field_location(&self, shape: &Shape, field: &Field) -> SourceLocation {
        let descriptor = self.descriptor(shape).and_then(|message| message.get_field(field.number));
        descriptor.map_or_else(SourceLocation::unknown, |field| SourceLocation::field(&field))
    }

    fn descriptor(&self, shape: &Shape) -> Option<MessageDescriptor> {
        self.pool.get_message_by_name(&shape.full_name)
    }

    /// Decodes the rules again with the models' descriptors, which know the extensions that the models declare.
    fn resolved(&self, rules: &DynamicMessage) -> Result<DynamicMessage, prost_reflect::prost::DecodeError> {
        match self.pool.get_message_by_name(rules.descriptor().full_name()) {
            Some(descriptor) => DynamicMessage::decode(descriptor, rules.encode_to_vec().as_slice()),
            None => Ok(rules.clone()),
        }
    }
}

/// Whether rules have fields that neither protovalidate nor the models define.
fn has_unknown_fields(rules: &DynamicMessage) -> bool {
    let in_value = |value: &Value| match value {
        Value::Message(message) => has_unknown_fields(message),
        _ => false,
    };
    rules.unknown_fields().next().is_some()
        || rules.fields().any(|(_, value)| in_value(value))
        || rules.extensions().any(|(_, value)| in_value(value))
}
