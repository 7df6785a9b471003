//! Compiles the rules of messages, one after the other.

use super::cel::{CelCompiler, inside};
use super::source::{FieldSource, Source};
use super::{Choice, FieldRules, MessageId, MessageRules, Nested, Rules, Scope, ValueRules, fit};
use crate::checks;
use crate::place::{Place, diagnostic};
use groundplan_codec::Value;
use groundplan_expr::ThisType;
use groundplan_model::Diagnostic;
use groundplan_model::catalog::{Catalog, Roles};
use groundplan_model::shape::{Cardinality, Field, FieldId, Kind, MapKey, Shape, ShapeId, Shapes};
use prost_protovalidate::types::field_rules::Type;
use prost_protovalidate::types::{self, Ignore};
use prost_reflect::DynamicMessage;
use std::collections::{HashMap, HashSet};

/// Rules in the making.
pub(super) struct Compiler<'a> {
    shapes: &'a Shapes,
    source: Source<'a>,
    scope: Scope,
    roles: HashMap<ShapeId, Roles>,
    rules: Rules,
    queue: Vec<ShapeId>,
    cel: CelCompiler<'a>,
}

impl<'a> Compiler<'a> {
    pub(super) fn new(catalog: &'a Catalog, scope: Scope) -> Self {
        let roles = catalog.models.iter().map(|model| (model.shape, model.roles)).collect();
        let source = Source::new(catalog);
        let shapes = &catalog.shapes;
        let cel = CelCompiler { pool: &catalog.pool, shapes, found: Vec::new() };
        Self { shapes, source, scope, roles, rules: Rules::default(), queue: Vec::new(), cel }
    }

    /// Compiles the models' messages and, as they turn up, those inside, or reports all rules that are broken.
    pub(super) fn run(mut self, catalog: &Catalog) -> Result<Rules, Vec<Diagnostic>> {
        for model in &catalog.models {
            self.place(model.shape);
        }
        while let Some(&shape) = self.queue.get(self.rules.messages.len()) {
            let message = self.message(shape);
            self.rules.messages.push(message);
        }
        self.cel.unused();
        let mut found = self.cel.found;
        found.dedup();
        if found.is_empty() { Ok(self.rules) } else { Err(found) }
    }

    /// The message of a shape, whose turn comes later if it is new.
    fn place(&mut self, shape: ShapeId) -> MessageId {
        let next = MessageId(self.queue.len());
        let id = *self.rules.places.entry(shape).or_insert(next);
        if id == next {
            self.queue.push(shape);
        }
        id
    }

    fn message(&mut self, id: ShapeId) -> MessageRules {
        let shapes = self.shapes;
        let shape = shapes.get(id);
        let place = self.source.message_place(shape);
        let rules = self.source.message(shape);
        let rules = self.readable(&place, rules).unwrap_or_default();
        let mut message = MessageRules::default();
        if self.scope == Scope::Everything {
            message.cel = self.cel.rules(&place, ThisType::Message(id), &rules.cel_expression, &rules.cel);
            for rule in &rules.oneof {
                self.check_choice(&place, shape, rule);
            }
            message.choices = rules.oneof.iter().map(|rule| choice(shape, rule)).collect();
            let oneofs = self.source.required_oneofs(shape);
            message.oneofs = self.readable(&place, oneofs).unwrap_or_default();
        }
        for (field_id, field) in shape.iter() {
            let in_choice = rules.oneof.iter().any(|rule| rule.fields.contains(&field.name));
            let is_system = self.roles.get(&id).is_some_and(|roles| has_role(roles, field_id));
            let standing = Standing { id: field_id, in_choice, is_system };
            message.fields.extend(self.field(shape, field, &standing));
        }
        message
    }

    fn field(&mut self, shape: &Shape, field: &Field, standing: &Standing) -> Option<FieldRules> {
        let place = self.source.field_place(shape, field);
        let source = self.source.field(shape, field);
        let FieldSource { rules, extended } = self.readable(&place, source).unwrap_or_default();
        let mut ignore = rules.ignore();
        if ignore == Ignore::Always {
            return None;
        }
        let behavior = field.behavior.required && !field.behavior.output_only && !standing.is_system;
        // Where protovalidate says whether a field is required, it decides.
        let required = rules.required.unwrap_or(behavior);
        let subject = Subject { kind: field.kind, cardinality: Some(field.cardinality), key: None, place };
        let value = self.value(&subject, &rules, extended.as_ref());
        if standing.in_choice && ignore == Ignore::Unspecified {
            ignore = Ignore::IfZeroValue;
        }
        let has_presence = matches!(field.cardinality, Cardinality::Explicit | Cardinality::Oneof(_));
        Some(FieldRules {
            id: standing.id,
            name: field.name.clone(),
            required: if self.scope == Scope::Everything { required } else { required && rules.required.is_none() },
            skip_unset: has_presence || ignore == Ignore::IfZeroValue,
            zero: zero(field.kind, field.cardinality),
            value,
        })
    }

    /// Compiles the rules of a value. `extended` has the predefined ones.
    fn value(&mut self, subject: &Subject, rules: &types::FieldRules, extended: Option<&DynamicMessage>) -> ValueRules {
        let mut value = ValueRules::default();
        if rules.ignore() == Ignore::Always {
            return value;
        }
        value.skip_zero = subject.cardinality.is_none() && rules.ignore() == Ignore::IfZeroValue;
        if self.scope == Scope::Everything {
            self.own_rules(subject, rules, extended, &mut value);
        }
        let none = types::FieldRules::default();
        let inner = |cardinality: Option<MapKey>| Subject { cardinality: None, key: cardinality, ..subject.clone() };
        value.nested = match (subject.cardinality, &rules.r#type) {
            (Some(Cardinality::Repeated), rules) => {
                let items = match rules {
                    Some(Type::Repeated(rules)) => rules.items.as_deref(),
                    _ => None,
                };
                let extended = inside(extended, "items");
                Nested::Items(Box::new(self.value(&inner(None), items.unwrap_or(&none), extended.as_ref())))
            }
            (Some(Cardinality::Map(key)), rules) => {
                let (keys, values) = match rules {
                    Some(Type::Map(rules)) => (rules.keys.as_deref(), rules.values.as_deref()),
                    _ => (None, None),
                };
                let extended_keys = inside(extended, "keys");
                let keys = self.value(&inner(Some(key)), keys.unwrap_or(&none), extended_keys.as_ref());
                let extended_values = inside(extended, "values");
                let values = self.value(&inner(None), values.unwrap_or(&none), extended_values.as_ref());
                Nested::Entries(Box::new((keys, values)))
            }
            _ => match subject.kind {
                Kind::Message(shape) if subject.key.is_none() => Nested::Message(self.place(shape)),
                _ => Nested::Nothing,
            },
        };
        value
    }

    /// Compiles the rules of a value itself.
    fn own_rules(
        &mut self,
        subject: &Subject,
        rules: &types::FieldRules,
        extended: Option<&DynamicMessage>,
        value: &mut ValueRules,
    ) {
        let this = subject.this();
        value.cel = self.cel.rules(&subject.place, this, &rules.cel_expression, &rules.cel);
        value.predefined = self.cel.predefined(&subject.place, this, extended);
        let kind = subject.key.map_or(subject.kind, MapKey::kind);
        if let Some(misfit) = fit::misfit(kind, subject.cardinality, rules) {
            self.refuse(&subject.place, misfit);
            return;
        }
        match checks::compile(rules, &self.defined(kind)) {
            Ok(checks) => value.checks = checks,
            Err(error) => self.refuse(&subject.place, error),
        }
    }

    /// Reports a oneof of fields that is no set of the message's fields.
    fn check_choice(&mut self, place: &Place, shape: &Shape, rule: &types::MessageOneofRule) {
        if rule.fields.is_empty() {
            self.refuse(place, "a `oneof` of (buf.validate.message) names no field".to_owned());
        }
        let mut seen = HashSet::new();
        for name in &rule.fields {
            if !seen.insert(name) {
                self.refuse(place, format!("field {name} is twice in a `oneof` of {}", shape.full_name));
            } else if !shape.iter().any(|(_, field)| field.name == *name) {
                self.refuse(place, format!("field {name} not found in message {}", shape.full_name));
            }
        }
    }

    fn refuse(&mut self, place: &Place, message: String) {
        self.cel.found.push(diagnostic(place, message, "correct the (buf.validate) option"));
    }

    /// What was read, unless it cannot be, which is reported.
    fn readable<T>(&mut self, place: &Place, read: Result<T, String>) -> Option<T> {
        read.map_err(|message| self.refuse(place, message)).ok()
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
struct Standing {
    id: FieldId,
    /// Whether it is a member of a [`Choice`].
    in_choice: bool,
    /// Whether the system sets it.
    is_system: bool,
}

/// A value that rules are about.
#[derive(Clone)]
struct Subject {
    kind: Kind,
    /// None for what is inside lists and maps.
    cardinality: Option<Cardinality>,
    /// Of a key of a map.
    key: Option<MapKey>,
    place: Place,
}

impl Subject {
    fn this(&self) -> ThisType {
        match (self.cardinality, self.key) {
            (Some(Cardinality::Repeated), _) => ThisType::List(self.kind),
            (Some(Cardinality::Map(key)), _) => ThisType::Map(key, self.kind),
            (_, Some(key)) => ThisType::Key(key),
            _ => ThisType::Value(self.kind),
        }
    }
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
