//! Checks records against standard rules, without a dynamic message.

use crate::path::Path;
use crate::rules::{Choice, FieldRules, MessageId, Nested, Rules, ValueRules};
use crate::{Validate, wording};
use groundplan_codec::{Record, Value};
use groundplan_error::{Error, Violation};
use groundplan_model::shape::ShapeId;
use std::borrow::Cow;
use std::sync::Arc;

/// Violations beyond this number are not looked for. Callers are shown fewer.
const MAX_FOUND: usize = 1_000;

/// The rules of one model.
pub(crate) struct Plain {
    rules: Arc<Rules>,
    root: Option<MessageId>,
}

impl Plain {
    pub(crate) fn new(rules: &Arc<Rules>, shape: ShapeId) -> Self {
        Self { rules: Arc::clone(rules), root: rules.place(shape) }
    }

    /// Finds what breaks the rules.
    pub(crate) fn find(&self, record: &Record) -> Vec<Violation> {
        let mut finder = Finder { rules: &self.rules, found: Vec::new() };
        if let Some(root) = self.root {
            finder.message(root, record, &Path::Root);
        }
        finder.found
    }
}

impl Validate for Plain {
    fn validate(&self, record: &Record) -> Result<Vec<Violation>, Error> {
        Ok(self.find(record))
    }
}

/// A walk through a record.
struct Finder<'a> {
    rules: &'a Rules,
    found: Vec<Violation>,
}

impl Finder<'_> {
    fn message(&mut self, id: MessageId, record: &Record, path: &Path<'_>) {
        let rules = self.rules;
        let message = rules.message(id);
        if !message.live || self.found.len() >= MAX_FOUND {
            return;
        }
        for choice in &message.choices {
            self.choice(choice, record, path);
        }
        for oneof in &message.oneofs {
            if oneof.members.iter().all(|member| record.get(*member).is_none()) {
                self.add(&Path::Field(path, &oneof.name), wording::REQUIRED, wording::IS_REQUIRED);
            }
        }
        for field in &message.fields {
            self.field(field, record, &Path::Field(path, &field.name));
        }
    }

    fn choice(&mut self, choice: &Choice, record: &Record, path: &Path<'_>) {
        match choice.members.iter().filter(|member| record.get(**member).is_some()).count() {
            0 if choice.required => {
                self.add(path, wording::CHOICE, format!("one of {} must be set", choice.names));
            }
            0 | 1 => {}
            _ => self.add(path, wording::CHOICE, format!("only one of {} can be set", choice.names)),
        }
    }

    fn field(&mut self, field: &FieldRules, record: &Record, path: &Path<'_>) {
        match (record.get(field.id), &field.zero) {
            (Some(value), _) => self.value(&field.value, value, path),
            (None, _) if field.required => self.add(path, wording::REQUIRED, wording::IS_REQUIRED),
            (None, Some(zero)) if !field.skip_unset => self.value(&field.value, zero, path),
            (None, _) => {}
        }
    }

    fn value(&mut self, rules: &ValueRules, value: &Value, path: &Path<'_>) {
        if rules.skip_zero && is_zero(value) {
            return;
        }
        for check in &rules.checks {
            if !(check.holds)(value) {
                self.add(path, check.rule.clone(), check.description.as_str());
                if check.last {
                    break;
                }
            }
        }
        match (&rules.nested, value) {
            (Nested::Message(id), Value::Message(record)) => self.message(*id, record, path),
            (Nested::Items(rules), Value::List(items)) => {
                for (index, item) in items.iter().enumerate() {
                    self.value(rules, item, &Path::Index(path, index));
                }
            }
            (Nested::Entries(rules), Value::Map(entries)) => {
                for (key, value) in entries {
                    self.value(&rules.0, key, &Path::Key(path, key));
                    self.value(&rules.1, value, &Path::Key(path, key));
                }
            }
            _ => {}
        }
    }

    fn add(&mut self, path: &Path<'_>, rule: impl Into<Cow<'static, str>>, description: impl Into<String>) {
        if self.found.len() < MAX_FOUND {
            self.found.push(Violation { field: path.render(), description: description.into(), rule: rule.into() });
        }
    }
}

/// Whether a list's item, or a map's key or value, is what its type has when nothing is said.
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
