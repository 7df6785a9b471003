//! Compiles the rules of messages one after the other.

use super::cel::{CelCompiler, element_rules};
use super::source::{FieldSource, Source};
use super::{Choice, FieldRules, MessageId, MessageRules, Nested, Rules, Scope, ValueRules, type_check};
use crate::checks;
use crate::source_location::{SourceLocation, diagnostic};
use groundplan_codec::Value;
use groundplan_expr::ThisType;
use groundplan_model::Diagnostic;
use groundplan_model::catalog::{Catalog, Roles};
use groundplan_model::shape::{Cardinality, Field, FieldId, Kind, MapKey, Shape, ShapeId, Shapes};
use prost_protovalidate::types::field_rules::Type;
use prost_protovalidate::types::{self, Ignore};
use prost_reflect::DynamicMessage;
use std::collections::{HashMap, HashSet};

/// Compiles the rules of a catalog.
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
        let cel = CelCompiler { pool: &catalog.pool, shapes, diagnostics: Vec::new() };
        Self { shapes, source, scope, roles, rules: Rules::default(), queue: Vec::new(), cel }
    }

    /// Compiles the models' messages and their nested messages, or returns all invalid rules.
    pub(super) fn compile(mut self, catalog: &Catalog) -> Result<Rules, Vec<Diagnostic>> {
        for model in &catalog.models {
            self.message_id(model.shape);
        }
        while let Some(&shape) = self.queue.get(self.rules.messages.len()) {
            let message = self.message(shape);
            self.rules.messages.push(message);
        }
        self.cel.check_unused();
        let mut diagnostics = self.cel.diagnostics;
        diagnostics.dedup();
        if diagnostics.is_empty() { Ok(self.rules) } else { Err(diagnostics) }
    }

    /// Returns the message of a shape, and queues it if it is new.
    fn message_id(&mut self, shape: ShapeId) -> MessageId {
        let next = MessageId(self.queue.len());
        let id = *self.rules.ids.entry(shape).or_insert(next);
        if id == next {
            self.queue.push(shape);
        }
        id
    }

    fn message(&mut self, id: ShapeId) -> MessageRules {
        let shapes = self.shapes;
        let shape = shapes.get(id);
        let location = self.source.message_location(shape);
        let rules = self.source.message(shape);
        let rules = self.report_unreadable(&location, rules).unwrap_or_default();
        let mut message = MessageRules::default();
        if self.scope == Scope::Everything {
            message.cel = self.cel.rules(&location, ThisType::Message(id), &rules.cel_expression, &rules.cel);
            for rule in &rules.oneof {
                self.check_choice(&location, shape, rule);
            }
            message.choices = rules.oneof.iter().map(|rule| choice(shape, rule)).collect();
            let oneofs = self.source.required_oneofs(shape);
            message.oneofs = self.report_unreadable(&location, oneofs).unwrap_or_default();
        }
        for (field_id, field) in shape.iter() {
            let in_choice = rules.oneof.iter().any(|rule| rule.fields.contains(&field.name));
            let is_system = self.roles.get(&id).is_some_and(|roles| has_role(roles, field_id));
            let context = FieldContext { id: field_id, in_choice, is_system };
            message.fields.extend(self.field(shape, field, &context));
        }
        message
    }

    fn field(&mut self, shape: &Shape, field: &Field, context: &FieldContext) -> Option<FieldRules> {
        let location = self.source.field_location(shape, field);
        let source = self.source.field(shape, field);
        let FieldSource { rules, extended } = self.report_unreadable(&location, source).unwrap_or_default();
        let mut ignore = rules.ignore();
        if ignore == Ignore::Always {
            return None;
        }
        let behavior = field.behavior.required && !field.behavior.output_only && !context.is_system;
        // protovalidate's `required` takes precedence over the field behavior.
        let required = rules.required.unwrap_or(behavior);
        let target = RuleTarget { kind: field.kind, cardinality: Some(field.cardinality), key: None, location };
        let value = self.value(&target, &rules, extended.as_ref());
        if context.in_choice && ignore == Ignore::Unspecified {
            ignore = Ignore::IfZeroValue;
        }
        let has_presence = matches!(field.cardinality, Cardinality::Explicit | Cardinality::Oneof(_));
        Some(FieldRules {
            id: context.id,
            name: field.name.clone(),
            required: if self.scope == Scope::Everything { required } else { required && rules.required.is_none() },
            skip_unset: has_presence || ignore == Ignore::IfZeroValue,
            zero: zero(field.kind, field.cardinality),
            value,
        })
    }

    /// Compiles the rules of a value and its elements. `extended` has the predefined rules.
    fn value(
        &mut self,
        target: &RuleTarget,
        rules: &types::FieldRules,
        extended: Option<&DynamicMessage>,
    ) -> ValueRules {
        let mut value = ValueRules::default();
        if rules.ignore() == Ignore::Always {
            return value;
        }
        value.skip_zero = target.cardinality.is_none() && rules.ignore() == Ignore::IfZeroValue;
        if self.scope == Scope::Everything {
            self.own_rules(target, rules, extended, &mut value);
        }
        let none = types::FieldRules::default();
        let inner = |cardinality: Option<MapKey>| RuleTarget { cardinality: None, key: cardinality, ..target.clone() };
        value.nested = match (target.cardinality, &rules.r#type) {
            (Some(Cardinality::Repeated), rules) => {
                let items = match rules {
                    Some(Type::Repeated(rules)) => rules.items.as_deref(),
                    _ => None,
                };
                let extended = element_rules(extended, "items");
                Nested::Items(Box::new(self.value(&inner(None), items.unwrap_or(&none), extended.as_ref())))
            }
            (Some(Cardinality::Map(key)), rules) => {
                let (keys, values) = match rules {
                    Some(Type::Map(rules)) => (rules.keys.as_deref(), rules.values.as_deref()),
                    _ => (None, None),
                };
                let extended_keys = element_rules(extended, "keys");
                let keys = self.value(&inner(Some(key)), keys.unwrap_or(&none), extended_keys.as_ref());
                let extended_values = element_rules(extended, "values");
                let values = self.value(&inner(None), values.unwrap_or(&none), extended_values.as_ref());
                Nested::Entries(Box::new((keys, values)))
            }
            _ => match target.kind {
                Kind::Message(shape) if target.key.is_none() => Nested::Message(self.message_id(shape)),
                _ => Nested::Nothing,
            },
        };
        value
    }

    /// Compiles the rules of a value itself.
    fn own_rules(
        &mut self,
        target: &RuleTarget,
        rules: &types::FieldRules,
        extended: Option<&DynamicMessage>,
        value: &mut ValueRules,
    ) {
        let this = target.this();
        value.cel = self.cel.rules(&target.location, this, &rules.cel_expression, &rules.cel);
        value.predefined = self.cel.predefined(&target.location, this, extended);
        let kind = target.key.map_or(target.kind, MapKey::kind);
        if let Some(mismatch) = type_check::mismatch(kind, target.cardinality, rules) {
            self.report(&target.location, mismatch);
            return;
        }
        match checks::compile(rules, &self.enum_numbers(kind)) {
            Ok(checks) => value.checks = checks,
            Err(error) => self.report(&target.location, error),
        }
    }

    /// Reports a `oneof` rule whose fields are missing, unknown or repeated.
    fn check_choice(&mut self, location: &SourceLocation, shape: &Shape, rule: &types::MessageOneofRule) {
        if rule.fields.is_empty() {
            self.report(location, "a `oneof` of (buf.validate.message) names no field".to_owned());
        }
        let mut seen = HashSet::new();
        for name in &rule.fields {
            if !seen.insert(name) {
                self.report(location, format!("field {name} occurs twice in a `oneof` of {}", shape.full_name));
            } else if !shape.iter().any(|(_, field)| field.name == *name) {
                self.report(location, format!("field {name} not found in message {}", shape.full_name));
            }
        }
    }

    fn report(&mut self, location: &SourceLocation, message: String) {
        self.cel.diagnostics.push(diagnostic(location, message, "correct the (buf.validate) option"));
    }

    /// Returns the rules, or reports why they cannot be read.
    fn report_unreadable<T>(&mut self, location: &SourceLocation, read: Result<T, String>) -> Option<T> {
        read.map_err(|message| self.report(location, message)).ok()
    }

    /// Returns the numbers that an enum defines.
    fn enum_numbers(&self, kind: Kind) -> Vec<i32> {
        match kind {
            Kind::Enum(id) => self.shapes.enumeration(id).values.iter().map(|(_, number)| *number).collect(),
            _ => Vec::new(),
        }
    }
}

/// The context of a field in its message.
struct FieldContext {
    id: FieldId,
    /// Whether it is a member of a [`Choice`].
    in_choice: bool,
    /// Whether the system sets it.
    is_system: bool,
}

/// The value that rules apply to.
#[derive(Clone)]
struct RuleTarget {
    kind: Kind,
    /// `None` for elements of lists and maps.
    cardinality: Option<Cardinality>,
    /// The type of a map's key, if this is one.
    key: Option<MapKey>,
    location: SourceLocation,
}

impl RuleTarget {
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

/// Returns the value of an unset field without presence.
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
        // All other kinds have presence.
        (Cardinality::Implicit, _) => None,
    }
}
