//! Validates records against their rules, without dynamic messages.

use crate::path::Path;
use crate::rules::{CelRule, Choice, FieldRules, MessageId, Nested, Rules, ValueRules};
use crate::{Validate, messages};
use groundplan_budget::{Budget, Steps};
use groundplan_codec::{Record, Value};
use groundplan_error::{Error, Violation};
use groundplan_expr::{This, Verdict};
use groundplan_model::shape::ShapeId;
use prost_protovalidate::time::now_systemtime;
use std::borrow::Cow;
use std::sync::Arc;

/// The maximum number of violations to find. Callers see fewer.
const MAX_VIOLATIONS: usize = 1_000;

/// The rules of one model.
pub(crate) struct ModelValidator {
    rules: Arc<Rules>,
    root: Option<MessageId>,
}

impl ModelValidator {
    pub(crate) fn new(rules: &Arc<Rules>, shape: ShapeId) -> Self {
        Self { rules: Arc::clone(rules), root: rules.message_id(shape) }
    }

    /// Returns at most [`MAX_VIOLATIONS`] violations.
    pub(crate) fn find(&self, record: &Record, budget: &Budget) -> Result<Vec<Violation>, Error> {
        let now = now_systemtime();
        let now = now.seconds.saturating_mul(1_000_000).saturating_add(i64::from(now.nanos) / 1_000);
        let mut walk = RecordWalk { rules: &self.rules, violations: Vec::new(), now, budget, steps: budget.steps() };
        if let Some(root) = self.root {
            walk.message(root, record, &Path::Root)?;
        }
        Ok(walk.violations)
    }
}

impl Validate for ModelValidator {
    fn validate(&self, record: &Record, budget: &Budget) -> Result<Vec<Violation>, Error> {
        self.find(record, budget)
    }
}

/// A walk through a record.
struct RecordWalk<'a> {
    rules: &'a Rules,
    violations: Vec<Violation>,
    /// The time of the request, in microseconds.
    now: i64,
    budget: &'a Budget,
    steps: Steps,
}

impl RecordWalk<'_> {
    fn message(&mut self, id: MessageId, record: &Record, path: &Path<'_>) -> Result<(), Error> {
        let rules = self.rules;
        let message = rules.message(id);
        if !message.has_rules || self.is_full() {
            return Ok(());
        }
        self.steps.charge(1 + message.fields.len() as u64)?;
        for rule in &message.cel {
            self.cel(rule, This::Message(record), path)?;
        }
        for choice in &message.choices {
            self.choice(choice, record, path);
        }
        for oneof in &message.oneofs {
            if oneof.members.iter().all(|member| record.get(*member).is_none()) {
                self.add(&Path::Field(path, &oneof.name), messages::REQUIRED, oneof.description.as_str());
            }
        }
        for field in &message.fields {
            self.field(field, record, &Path::Field(path, &field.name))?;
        }
        Ok(())
    }

    fn choice(&mut self, choice: &Choice, record: &Record, path: &Path<'_>) {
        match choice.members.iter().filter(|member| record.get(**member).is_some()).count() {
            0 if choice.required => {
                self.add(path, messages::CHOICE, format!("one of {} must be set", choice.names));
            }
            0 | 1 => {}
            _ => self.add(path, messages::CHOICE, format!("only one of {} can be set", choice.names)),
        }
    }

    fn field(&mut self, field: &FieldRules, record: &Record, path: &Path<'_>) -> Result<(), Error> {
        match (record.get(field.id), &field.zero) {
            (Some(value), _) => self.value(&field.value, value, path),
            (None, _) if field.required => {
                self.add(path, messages::REQUIRED, messages::IS_REQUIRED);
                Ok(())
            }
            (None, Some(zero)) if !field.skip_unset => self.value(&field.value, zero, path),
            (None, _) => Ok(()),
        }
    }

    fn value(&mut self, rules: &ValueRules, value: &Value, path: &Path<'_>) -> Result<(), Error> {
        if rules.skip_zero && is_zero(value) || self.is_full() {
            return Ok(());
        }
        for rule in &rules.cel {
            self.cel(rule, This::Value(value), path)?;
        }
        self.checks(rules, value, path)?;
        for rule in &rules.predefined {
            self.cel(rule, This::Value(value), path)?;
        }
        match (&rules.nested, value) {
            (Nested::Message(id), Value::Message(record)) => self.message(*id, record, path)?,
            (Nested::Items(rules), Value::List(items)) => {
                self.steps.charge(items.len() as u64)?;
                for (index, item) in items.iter().enumerate() {
                    self.value(rules, item, &Path::Index(path, index))?;
                }
            }
            (Nested::Entries(rules), Value::Map(entries)) => {
                self.steps.charge(entries.len() as u64)?;
                for (key, value) in entries {
                    self.value(&rules.0, key, &Path::MapKey(path, key))?;
                    self.value(&rules.1, value, &Path::MapValue(path, key))?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn checks(&mut self, rules: &ValueRules, value: &Value, path: &Path<'_>) -> Result<(), Error> {
        for check in &rules.checks {
            self.steps.charge(cost(value))?;
            if !(check.holds)(value) {
                self.add(path, check.rule.clone(), check.description.as_str());
                if check.last {
                    break;
                }
            }
        }
        Ok(())
    }

    fn cel(&mut self, cel: &CelRule, this: This<'_>, path: &Path<'_>) -> Result<(), Error> {
        if self.is_full() {
            return Ok(());
        }
        let has_field = !matches!(path, Path::Root);
        let text = match cel.rule.evaluate(this, self.now, self.budget)? {
            Ok(Verdict::Holds) => return Ok(()),
            Ok(Verdict::Broken) => None,
            Ok(Verdict::Message(text)) => Some(text),
            // Such as a division by zero: the record cannot be considered valid.
            Err(failure) => {
                self.add(
                    path,
                    messages::NOT_CHECKED,
                    messages::describe_evaluation_failure(&cel.id, failure, has_field),
                );
                return Ok(());
            }
        };
        let description =
            cel.message.clone().or(text).unwrap_or_else(|| messages::default_description(&cel.id, has_field));
        self.add(path, cel.id.clone(), description);
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.violations.len() >= MAX_VIOLATIONS
    }

    fn add(&mut self, path: &Path<'_>, rule: impl Into<Cow<'static, str>>, description: impl Into<String>) {
        if !self.is_full() {
            self.violations.push(path.violation(rule.into(), description.into()));
        }
    }
}

/// Returns the steps of one check, which reads all of a text, of bytes or of a list.
fn cost(value: &Value) -> u64 {
    let size = match value {
        Value::String(text) => text.len() / 8,
        Value::Bytes(bytes) => bytes.len() / 8,
        Value::List(items) => items.len(),
        Value::FieldMask(paths) => paths.len(),
        _ => 0,
    };
    1 + size as u64
}

/// Whether a list's item, or a map's key or value, has the default of its type.
fn is_zero(value: &Value) -> bool {
    match value {
        Value::Bool(value) => !value,
        Value::Int(value) | Value::Timestamp(value) | Value::Duration(value) => *value == 0,
        Value::Uint(value) => *value == 0,
        Value::Double(value) => *value == 0.0,
        Value::String(value) => value.is_empty(),
        Value::Bytes(value) => value.is_empty(),
        Value::Enum(value) => *value == 0,
        Value::List(items) => items.is_empty(),
        Value::Map(entries) => entries.is_empty(),
        Value::Message(record) => record.iter().next().is_none(),
        Value::FieldMask(paths) => paths.is_empty(),
        Value::Json(json) => json.as_object().is_some_and(|object| object.is_empty()),
        Value::Empty => true,
    }
}
