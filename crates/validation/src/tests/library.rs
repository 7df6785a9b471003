//! The oracle: prost-protovalidate over a dynamic message, with our descriptions.

use super::order::{Located, sort_by_map_keys};
use crate::messages;
use crate::rules::Rules;
use crate::validator::ModelValidator;
use groundplan_budget::Budget;
use groundplan_codec::{Record, wire};
use groundplan_error::{Error, Violation};
use groundplan_model::catalog::{Catalog, Model};
use groundplan_model::shape::{ShapeId, Shapes};
use prost_protovalidate::types::{FieldPathElement, MessageConstraintsExt};
use prost_protovalidate::{self as protovalidate, Validator, ValidatorOption};
use prost_reflect::prost::DecodeError;
use prost_reflect::{DynamicMessage, Kind, MessageDescriptor};
use std::sync::Arc;

/// Returns the library's validator.
pub(super) fn validator(catalog: &Catalog) -> Arc<Validator> {
    Arc::new(Validator::with_options(&[ValidatorOption::AdditionalDescriptorSetBytes(catalog.descriptor_set.to_vec())]))
}

/// The rules of one model.
pub(super) struct Library {
    validator: Arc<Validator>,
    descriptor: MessageDescriptor,
    shapes: Arc<Shapes>,
    shape: ShapeId,
    behaviors: ModelValidator,
}

impl Library {
    /// Returns `None` if the catalog does not have the message.
    pub(super) fn new(
        catalog: &Catalog,
        model: &Model,
        validator: &Arc<Validator>,
        behaviors: &Arc<Rules>,
    ) -> Option<Self> {
        Some(Self {
            validator: Arc::clone(validator),
            descriptor: catalog.pool.get_message_by_name(&model.full_name)?,
            shapes: Arc::clone(&catalog.shapes),
            shape: model.shape,
            behaviors: ModelValidator::new(behaviors, model.shape),
        })
    }

    /// Converts a record for the library.
    fn dynamic(&self, record: &Record) -> Result<DynamicMessage, DecodeError> {
        let mut bytes = Vec::with_capacity(wire::encoded_len(&self.shapes, self.shape, record));
        wire::encode(&self.shapes, self.shape, record, &mut bytes);
        DynamicMessage::decode(self.descriptor.clone(), bytes.as_slice())
    }

    /// Returns the library's violations, with our descriptions.
    fn find(&self, message: &DynamicMessage) -> Result<Vec<Violation>, Error> {
        match self.validator.validate(message) {
            Ok(()) => Ok(Vec::new()),
            Err(protovalidate::Error::Validation(error)) => {
                let violations = error.violations().iter().map(|violation| self.translate(violation)).collect();
                Ok(sort_by_map_keys(violations).into_iter().map(|located| located.item).collect())
            }
            // A rule such as `this.total / this.count > 3` with a zero count: the record cannot be considered valid.
            Err(protovalidate::Error::Runtime(error)) => Ok(vec![describe_evaluation_failure(&error.cause)]),
            Err(error) => Err(Error::internal(error)),
        }
    }

    /// Returns the violations, and whether their order is the library's.
    pub(super) fn validate(&self, record: &Record) -> (Vec<Violation>, bool) {
        // The codec's nesting limit is below the library's, so decoding cannot fail.
        let mut violations =
            self.find(&self.dynamic(record).expect("the wire is of the message")).expect("the rules compile");
        // The library applies CEL rules on wrappers twice.
        violations.dedup();
        let missing = self.behaviors.find(record, &Budget::default()).expect("the budget is enough");
        // A missing field has no other violations, as with protovalidate's `required`.
        violations.retain(|violation| missing.iter().all(|missing| missing.field != violation.field));
        let is_ordered = missing.is_empty();
        violations.extend(missing);
        (violations, is_ordered)
    }

    fn translate(&self, violation: &protovalidate::Violation) -> Located<Violation> {
        let proto = violation.to_proto();
        let path = proto.field.map(|field| field.elements).unwrap_or_default();
        let (field, rule) = (violation.field_path(), violation.rule_id().to_owned());
        let description = match (violation.rule_path().as_str(), rule.as_str()) {
            ("", messages::CHOICE) => violation.message().to_owned(),
            ("", messages::REQUIRED) => self.required(&path),
            // The CEL rule of a message: the library loses its text.
            ("", _) => self.message_rule(&path, &rule, violation.message()),
            // The CEL rule of a field, or a predefined rule.
            (path, _) if path.contains('[') && violation.message().is_empty() => {
                messages::default_description(&rule, true)
            }
            (path, _) if path.contains('[') => violation.message().to_owned(),
            _ => messages::standard_description(&rule, violation.message()),
        };
        let (rule, description) = match proto.for_key {
            Some(true) => (format!("map.keys.{rule}"), format!("(the key) {description}")),
            _ => (rule, description),
        };
        Located { path, item: Violation { field, description, rule: rule.into() } }
    }

    /// Returns our description for a field or a oneof that must be set.
    fn required(&self, path: &[FieldPathElement]) -> String {
        let (last, parents) = path.split_last().expect("a field is required");
        let name = last.field_name.as_deref().unwrap_or_default();
        let message = message_at(&self.descriptor, parents).expect("the path is of the model");
        let oneof = message.oneofs().find(|oneof| oneof.name() == name && !oneof.is_synthetic());
        oneof.map_or(messages::IS_REQUIRED.to_owned(), |oneof| {
            messages::required_oneof(&oneof.fields().map(|field| field.name().to_owned()).collect::<Vec<_>>())
        })
    }

    /// Returns the model's message for a CEL rule of the message at a path.
    fn message_rule(&self, path: &[FieldPathElement], rule: &str, message: &str) -> String {
        if !message.is_empty() && message != format!("{rule:?} returned false") {
            return message.to_owned();
        }
        let rules = message_at(&self.descriptor, path).and_then(|at| at.message_constraints().ok().flatten());
        let declared = rules.into_iter().flat_map(|rules| rules.cel);
        let mut declared = declared
            .filter(|declared| declared.id.as_ref().or(declared.expression.as_ref()).is_some_and(|id| id == rule));
        let message = declared.next().and_then(|declared| declared.message).filter(|message| !message.is_empty());
        message.unwrap_or_else(|| messages::default_description(rule, !path.is_empty()))
    }
}

/// Returns the violation for a rule that cannot be evaluated.
fn describe_evaluation_failure(cause: &str) -> Violation {
    let description = format!("a rule in CEL cannot be checked with these values: {cause}");
    Violation { field: String::new(), description, rule: messages::NOT_CHECKED.into() }
}

/// Returns the type of the message at a path.
fn message_at(root: &MessageDescriptor, path: &[FieldPathElement]) -> Option<MessageDescriptor> {
    path.iter().try_fold(root.clone(), |message, element| {
        let field = message.get_field_by_name(element.field_name.as_deref()?)?;
        match field.kind() {
            Kind::Message(entry) if field.is_map() => entry.map_entry_value_field().kind().as_message().cloned(),
            Kind::Message(message) => Some(message),
            _ => None,
        }
    })
}
