//! Checks records with prost-protovalidate: for models with rules in CEL, and as the oracle of the others' tests.

use crate::order::{Placed, settle};
use crate::plain::Plain;
use crate::rules::Rules;
use crate::{Validate, wording};
use groundplan_codec::{Record, wire};
use groundplan_error::{Error, Violation};
use groundplan_model::catalog::{Catalog, Model};
use groundplan_model::shape::{ShapeId, Shapes};
use prost_protovalidate::types::{FieldPathElement, MessageConstraintsExt};
use prost_protovalidate::{self as protovalidate, Validator};
use prost_reflect::prost::DecodeError;
use prost_reflect::{DynamicMessage, Kind, MessageDescriptor};
use std::sync::Arc;

/// The rules of one model.
pub(crate) struct Library {
    validator: Arc<Validator>,
    descriptor: MessageDescriptor,
    shapes: Arc<Shapes>,
    shape: ShapeId,
    behaviors: Plain,
}

impl Library {
    /// `None` if the catalog has no such message.
    pub(crate) fn new(
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

    fn translate(&self, violation: &protovalidate::Violation) -> Placed<Violation> {
        let path = violation.to_proto().field.map(|field| field.elements).unwrap_or_default();
        let (field, rule) = (violation.field_path(), violation.rule_id().to_owned());
        let description = match (violation.rule_path().as_str(), rule.as_str()) {
            ("", wording::CHOICE) => violation.message().to_owned(),
            ("", wording::REQUIRED) => wording::IS_REQUIRED.to_owned(),
            // A message's CEL rule, whose message the library loses.
            ("", _) => self.message_rule(&path, &rule, violation.message()),
            // A field's CEL rule, or a predefined one.
            (place, _) if place.contains('[') && violation.message().is_empty() => wording::unsaid(&rule, true),
            (place, _) if place.contains('[') => violation.message().to_owned(),
            _ => wording::standard(&rule, violation.message()),
        };
        Placed { path, item: Violation { field, description, rule: rule.into() } }
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

    /// Where a violation's field stands among the message's. What is about the message or a oneof stands before all.
    fn rank(&self, violation: &Violation) -> Option<usize> {
        let name = violation.field.split(['.', '[']).next().unwrap_or_default();
        self.shapes.get(self.shape).fields.iter().position(|field| field.name == name)
    }
}

impl Validate for Library {
    fn validate(&self, record: &Record) -> Result<Vec<Violation>, Error> {
        // The codec's limit of nesting is below the library's, so what it made can be read.
        let mut found = self.find(&self.dynamic(record).map_err(Error::internal)?)?;
        let missing = self.behaviors.find(record);
        if !missing.is_empty() {
            // As with protovalidate's own `required`, nothing more is said of a field that is missing.
            found.retain(|violation| missing.iter().all(|missing| missing.field != violation.field));
            found.extend(missing);
            found.sort_by_key(|violation| self.rank(violation));
        }
        Ok(found)
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
