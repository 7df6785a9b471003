//! Reads rules from the options in descriptors.

use super::RequiredOneof;
use groundplan_model::catalog::Catalog;
use groundplan_model::shape::{Field, Shape};
use prost_protovalidate::types::{
    FieldConstraintsDynExt, FieldConstraintsExt, FieldRules, MessageConstraintsExt, MessageRules, OneofConstraintsExt,
};
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, Value};

/// The descriptors of a catalog.
pub(super) struct Source<'a> {
    pool: &'a DescriptorPool,
}

impl<'a> Source<'a> {
    pub(super) fn new(catalog: &'a Catalog) -> Self {
        Self { pool: &catalog.pool }
    }

    /// A message's own rules, and whether only the library understands them.
    pub(super) fn message(&self, shape: &Shape) -> (MessageRules, bool) {
        match self.descriptor(shape).map(|descriptor| descriptor.message_constraints()) {
            Some(Ok(Some(rules))) => {
                let beyond = !rules.cel.is_empty() || !rules.cel_expression.is_empty();
                (rules, beyond)
            }
            Some(Ok(None)) | None => (MessageRules::default(), false),
            Some(Err(_)) => (MessageRules::default(), true),
        }
    }

    /// A field's rules, and whether only the library understands them: predefined ones are extensions.
    pub(super) fn field(&self, shape: &Shape, field: &Field) -> (FieldRules, bool) {
        let Some(descriptor) = self.descriptor(shape).and_then(|message| message.get_field(field.number)) else {
            return (FieldRules::default(), false);
        };
        match descriptor.field_constraints() {
            Ok(Some(rules)) => {
                (rules, descriptor.field_constraints_dynamic().is_some_and(|rules| has_extensions(&rules)))
            }
            Ok(None) => (FieldRules::default(), false),
            Err(_) => (FieldRules::default(), true),
        }
    }

    /// The oneofs of a message that must have a member set.
    pub(super) fn required_oneofs(&self, shape: &Shape) -> Vec<RequiredOneof> {
        let Some(descriptor) = self.descriptor(shape) else { return Vec::new() };
        let oneofs = descriptor.oneofs().filter(|oneof| !oneof.is_synthetic());
        oneofs
            .filter(|oneof| oneof.try_is_required().unwrap_or(false))
            .map(|oneof| RequiredOneof {
                name: oneof.name().to_owned(),
                members: oneof.fields().filter_map(|member| shape.by_number(member.number())).collect(),
            })
            .collect()
    }

    fn descriptor(&self, shape: &Shape) -> Option<MessageDescriptor> {
        self.pool.get_message_by_name(&shape.full_name)
    }
}

/// Whether rules have anything that protovalidate itself does not define.
fn has_extensions(rules: &DynamicMessage) -> bool {
    rules.extensions().next().is_some()
        || rules.unknown_fields().next().is_some()
        || rules.fields().any(|(_, value)| match value {
            Value::Message(message) => has_extensions(message),
            _ => false,
        })
}
