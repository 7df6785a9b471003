//! The oracle: prost-protovalidate over a dynamic message, its violations in our words.

use super::order::{Placed, settle};
use crate::plain::Plain;
use crate::rules::Rules;
use crate::wording;
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

/// The library's compiler of rules.
pub(super) fn validator(catalog: &Catalog) -> Arc<Validator> {
    Arc::new(Validator::with_options(&[ValidatorOption::AdditionalDescriptorSetBytes(catalog.descriptor_set.to_vec())]))
}

/// The rules of one model.
pub(super) struct Library {
    validator: Arc<Validator>,
    descriptor: MessageDescriptor,
    shapes: Arc<Shapes>,
    shape: ShapeId,
    behaviors: Plain,
}

impl Library {
    /// `None` if the catalog has no such message.
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
            behaviors: Plain::new(behaviors, model.shape),
        })
    }

    /// The record as the library takes it.
    fn dynamic(&self, record: &Record) -> Result<DynamicMessage, DecodeError> {
        let mut bytes = Vec::with_capacity(wire::encoded_len(&self.shapes, self.shape, record));
        wire::encode(&self.shapes, self.shape, record, &mut bytes);
        DynamicMessage::decode(self.descriptor.clone(), bytes.as_slice())
    }

    /// What the library finds, in our words.
    fn find(&self, message: &DynamicMessage) -> Result<Vec<Violation>, Error> {
        match self.validator.validate(message) {
            Ok(()) => Ok(Vec::new()),
            Err(protovalidate::Error::Validation(error)) => {
                let found = error.violations().iter().map(|violation| self.translate(violation)).collect();
                Ok(settle(found).into_iter().map(|placed| placed.item).collect())
            }
            // A rule such as `this.total / this.count > 3` where the count is zero: no failure of ours, and the
            // record cannot be said to be valid.
            Err(protovalidate::Error::Runtime(error)) => Ok(vec![not_checked(&error.cause)]),
            Err(error) => Err(Error::internal(error)),
        }
    }

    /// What the library finds, and whether the order is its own.
    pub(super) fn validate(&self, record: &Record) -> (Vec<Violation>, bool) {
        // The codec's limit of nesting is below the library's, so what it made can be read.
        let mut found =
            self.find(&self.dynamic(record).expect("the wire is of the message")).expect("the rules compile");
        // The library applies rules in CEL on wrappers twice.
        found.dedup();
        let missing = self.behaviors.find(record, &Budget::default()).expect("the budget is enough");
        // As with protovalidate's own `required`, nothing more is said of a field that is missing.
        found.retain(|violation| missing.iter().all(|missing| missing.field != violation.field));
        let is_ordered = missing.is_empty();
        found.extend(missing);
        (found, is_ordered)
    }

    fn translate(&self, violation: &protovalidate::Violation) -> Placed<Violation> {
        let proto = violation.to_proto();
        let path = proto.field.map(|field| field.elements).unwrap_or_default();
        let (field, rule) = (violation.field_path(), violation.rule_id().to_owned());
        let description = match (violation.rule_path().as_str(), rule.as_str()) {
            ("", wording::CHOICE) => violation.message().to_owned(),
            ("", wording::REQUIRED) => self.required(&path),
            // A message's CEL rule, whose message the library loses.
            ("", _) => self.message_rule(&path, &rule, violation.message()),
            // A field's CEL rule, or a predefined one.
            (place, _) if place.contains('[') && violation.message().is_empty() => wording::unsaid(&rule, true),
            (place, _) if place.contains('[') => violation.message().to_owned(),
            _ => wording::standard(&rule, violation.message()),
        };
        let (rule, description) = match proto.for_key {
            Some(true) => (format!("map.keys.{rule}"), format!("(the key) {description}")),
            _ => (rule, description),
        };
        Placed { path, item: Violation { field, description, rule: rule.into() } }
    }

    /// Our words for a field or a oneof that must be set.
    fn required(&self, path: &[FieldPathElement]) -> String {
        let (last, parents) = path.split_last().expect("a field is required");
        let name = last.field_name.as_deref().unwrap_or_default();
        let message = message_at(&self.descriptor, parents).expect("the path is of the model");
        let oneof = message.oneofs().find(|oneof| oneof.name() == name && !oneof.is_synthetic());
        oneof.map_or(wording::IS_REQUIRED.to_owned(), |oneof| {
            wording::required_oneof(&oneof.fields().map(|field| field.name().to_owned()).collect::<Vec<_>>())
        })
    }

    /// The user's message for a CEL rule of the message at a path.
    fn message_rule(&self, path: &[FieldPathElement], rule: &str, message: &str) -> String {
        if !message.is_empty() && message != format!("{rule:?} returned false") {
            return message.to_owned();
        }
        let rules = message_at(&self.descriptor, path).and_then(|at| at.message_constraints().ok().flatten());
        let declared = rules.into_iter().flat_map(|rules| rules.cel);
        let mut declared = declared
            .filter(|declared| declared.id.as_ref().or(declared.expression.as_ref()).is_some_and(|id| id == rule));
        let message = declared.next().and_then(|declared| declared.message).filter(|message| !message.is_empty());
        message.unwrap_or_else(|| wording::unsaid(rule, !path.is_empty()))
    }
}

/// Says that a record cannot be checked.
fn not_checked(cause: &str) -> Violation {
    let description = format!("a rule in CEL cannot be checked with these values: {cause}");
    Violation { field: String::new(), description, rule: wording::NOT_CHECKED.into() }
}

/// The type of the message at a path.
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
