//! Compiles the rules of messages, one after the other.

use super::source::Source;
use super::{Choice, FieldRules, MessageId, MessageRules, Nested, Rules, Scope, ValueRules};
use crate::checks;
use groundplan_codec::Value;
use groundplan_model::catalog::{Catalog, Roles};
use groundplan_model::shape::{Cardinality, Field, FieldId, Kind, Shape, ShapeId, Shapes};
use prost_protovalidate::types::field_rules::Type;
use prost_protovalidate::types::{self, Ignore};
use std::collections::HashMap;

/// Rules in the making.
pub(super) struct Compiler<'a> {
    shapes: &'a Shapes,
    source: Source<'a>,
    scope: Scope,
    roles: HashMap<ShapeId, Roles>,
    rules: Rules,
    queue: Vec<ShapeId>,
}

impl<'a> Compiler<'a> {
    pub(super) fn new(catalog: &'a Catalog, scope: Scope) -> Self {
        let roles = catalog.models.iter().map(|model| (model.shape, model.roles)).collect();
        let source = Source::new(catalog);
        Self { shapes: &catalog.shapes, source, scope, roles, rules: Rules::default(), queue: Vec::new() }
    }

    /// Compiles the models' messages and, as they turn up, those inside.
    pub(super) fn run(mut self, catalog: &Catalog) -> Rules {
        for model in &catalog.models {
            self.place(model.shape);
        }
        while let Some(&shape) = self.queue.get(self.rules.messages.len()) {
            let message = self.message(shape);
            self.rules.messages.push(message);
        }
        self.rules
    }

    /// The message of a shape, whose turn comes later if it is new.
    fn place(&mut self, shape: ShapeId) -> MessageId {
        let next = MessageId(self.queue.len());
        let id = *self.rules.places.entry(shape).or_insert(next);
        if id == next {
            self.queue.push(shape);
            self.rules.names.push(self.shapes.get(shape).full_name.clone());
        }
        id
    }

    fn message(&mut self, id: ShapeId) -> MessageRules {
        let shapes = self.shapes;
        let shape = shapes.get(id);
        let mut message = MessageRules::default();
        let (rules, beyond) = self.source.message(shape);
        if self.scope == Scope::Everything {
            message.beyond = beyond;
            message.choices = rules.oneof.iter().map(|rule| choice(shape, rule)).collect();
            message.oneofs = self.source.required_oneofs(shape);
        }
        for (field_id, field) in shape.iter() {
            let in_choice = rules.oneof.iter().any(|rule| rule.fields.contains(&field.name));
            let is_system = self.roles.get(&id).is_some_and(|roles| has_role(roles, field_id));
            let place = FieldPlace { id: field_id, in_choice, is_system };
            if let Some(field) = self.field(shape, field, &place, &mut message.beyond) {
                message.fields.push(field);
            }
        }
        message
    }

    fn field(&mut self, shape: &Shape, field: &Field, place: &FieldPlace, beyond: &mut bool) -> Option<FieldRules> {
        let (rules, is_beyond) = self.source.field(shape, field);
        let mut ignore = rules.ignore();
        if ignore == Ignore::Always {
            return None;
        }
        let behavior = field.behavior.required && !field.behavior.output_only && !place.is_system;
        // Where protovalidate says whether a field is required, it decides.
        let required = rules.required.unwrap_or(behavior);
        *beyond |= is_beyond && self.scope == Scope::Everything;
        let value = self.value(field.kind, Some(field.cardinality), &rules, beyond);
        if place.in_choice && ignore == Ignore::Unspecified {
            ignore = Ignore::IfZeroValue;
        }
        let has_presence = matches!(field.cardinality, Cardinality::Explicit | Cardinality::Oneof(_));
        Some(FieldRules {
            id: place.id,
            name: field.name.clone(),
            required: if self.scope == Scope::Everything { required } else { required && rules.required.is_none() },
            skip_unset: has_presence || ignore == Ignore::IfZeroValue,
            zero: zero(field.kind, field.cardinality),
            value,
        })
    }

    /// Compiles the rules of a value. `cardinality` is `None` for what is inside lists and maps.
    fn value(
        &mut self,
        kind: Kind,
        cardinality: Option<Cardinality>,
        rules: &types::FieldRules,
        beyond: &mut bool,
    ) -> ValueRules {
        let mut value = ValueRules::default();
        if rules.ignore() == Ignore::Always {
            return value;
        }
        value.skip_zero = cardinality.is_none() && rules.ignore() == Ignore::IfZeroValue;
        if self.scope == Scope::Everything {
            // The model does not have Any, so a rule for it is a mistake, which the library reports.
            *beyond |=
                !rules.cel.is_empty() || !rules.cel_expression.is_empty() || matches!(rules.r#type, Some(Type::Any(_)));
            match checks::compile(rules, &self.defined(kind)) {
                Ok(checks) => value.checks = checks,
                // As above.
                Err(_) => *beyond = true,
            }
        }
        let none = types::FieldRules::default();
        value.nested = match (cardinality, &rules.r#type) {
            (Some(Cardinality::Repeated), rules) => {
                let items = match rules {
                    Some(Type::Repeated(rules)) => rules.items.as_deref(),
                    _ => None,
                };
                Nested::Items(Box::new(self.value(kind, None, items.unwrap_or(&none), beyond)))
            }
            (Some(Cardinality::Map(_)), rules) => {
                let (keys, values) = match rules {
                    Some(Type::Map(rules)) => (rules.keys.as_deref(), rules.values.as_deref()),
                    _ => (None, None),
                };
                // Of keys only their own rules matter, whatever their kind.
                let keys = self.value(Kind::Bool, None, keys.unwrap_or(&none), beyond);
                let values = self.value(kind, None, values.unwrap_or(&none), beyond);
                Nested::Entries(Box::new((keys, values)))
            }
            _ => match kind {
                Kind::Message(shape) => Nested::Message(self.place(shape)),
                _ => Nested::Nothing,
            },
        };
        value
    }

    /// The numbers that an enum defines.
    fn defined(&self, kind: Kind) -> Vec<i32> {
        match kind {
            Kind::Enum(id) => self.shapes.enumeration(id).values.iter().map(|(_, number)| *number).collect(),
            _ => Vec::new(),
        }
    }
}

/// What a field is to its message.
struct FieldPlace {
    id: FieldId,
    /// Whether it is a member of a [`Choice`].
    in_choice: bool,
    /// Whether the system sets it.
    is_system: bool,
}

fn has_role(roles: &Roles, field: FieldId) -> bool {
    roles.id == field || [roles.created_at, roles.updated_at, roles.etag].contains(&Some(field))
}

fn choice(shape: &Shape, rule: &types::MessageOneofRule) -> Choice {
    let members = shape.iter().filter(|(_, field)| rule.fields.contains(&field.name)).map(|(id, _)| id).collect();
    Choice { members, names: rule.fields.join(", "), required: rule.required == Some(true) }
}

/// The value of an unset field without presence.
fn zero(kind: Kind, cardinality: Cardinality) -> Option<Value> {
    match (cardinality, kind) {
        (Cardinality::Explicit | Cardinality::Oneof(_), _) => None,
        (Cardinality::Repeated, _) => Some(Value::List(Vec::new())),
        (Cardinality::Map(_), _) => Some(Value::Map(Vec::new())),
        (Cardinality::Implicit, Kind::Bool) => Some(Value::Bool(false)),
        (Cardinality::Implicit, Kind::Integer(integer)) if integer.exceeds_bigint() => Some(Value::Uint(0)),
        (Cardinality::Implicit, Kind::Integer(_)) => Some(Value::Int(0)),
        (Cardinality::Implicit, Kind::Float | Kind::Double) => Some(Value::Double(0.0)),
        (Cardinality::Implicit, Kind::String) => Some(Value::String(String::new())),
        (Cardinality::Implicit, Kind::Bytes) => Some(Value::Bytes(Default::default())),
        (Cardinality::Implicit, Kind::Enum(_)) => Some(Value::Enum(0)),
        // All others have presence.
        (Cardinality::Implicit, _) => None,
    }
}
