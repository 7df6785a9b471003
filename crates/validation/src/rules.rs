//! The rules of all messages of models, read from descriptors. Messages refer to each other by index, which allows recursion.

mod cel;
mod compiler;
mod parameters;

mod source;
mod type_check;

pub(crate) use cel::CelRule;

use crate::checks::Check;
use compiler::Compiler;
use groundplan_codec::Value;
use groundplan_model::Diagnostic;
use groundplan_model::catalog::Catalog;
use groundplan_model::shape::{FieldId, ShapeId};
use std::collections::HashMap;

/// Which rules to compile.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Everything,
    /// Only `google.api.field_behavior = REQUIRED`, which the oracle does not support.
    #[cfg(test)]
    Behaviors,
}

/// The rules of messages.
#[derive(Default)]
pub(crate) struct Rules {
    messages: Vec<MessageRules>,
    ids: HashMap<ShapeId, MessageId>,
}

/// The index of a message in [`Rules`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct MessageId(usize);

/// The rules of one message.
#[derive(Default)]
pub(crate) struct MessageRules {
    pub(crate) cel: Vec<CelRule>,
    /// `(buf.validate.message).oneof`.
    pub(crate) choices: Vec<Choice>,
    pub(crate) oneofs: Vec<RequiredOneof>,
    pub(crate) fields: Vec<FieldRules>,
    /// Whether the message or a nested message has rules.
    pub(crate) has_rules: bool,
}

/// Fields of which at most one can be set.
pub(crate) struct Choice {
    pub(crate) members: Vec<FieldId>,
    pub(crate) names: String,
    pub(crate) required: bool,
}

/// A oneof of which a member must be set.
pub(crate) struct RequiredOneof {
    pub(crate) name: String,
    pub(crate) members: Vec<FieldId>,
    pub(crate) description: String,
}

/// The rules of one field.
pub(crate) struct FieldRules {
    pub(crate) id: FieldId,
    pub(crate) name: String,
    pub(crate) required: bool,
    /// Whether the rules for the value are skipped if the field is not set.
    pub(crate) skip_unset: bool,
    /// The value of an unset field without presence.
    pub(crate) zero: Option<Value>,
    pub(crate) value: ValueRules,
}

/// The rules of a field's value, of a list's items, or of a map's keys or values.
#[derive(Default)]
pub(crate) struct ValueRules {
    pub(crate) skip_zero: bool,
    pub(crate) cel: Vec<CelRule>,
    pub(crate) checks: Vec<Check>,
    pub(crate) predefined: Vec<CelRule>,
    pub(crate) nested: Nested,
}

/// The rules of the elements of a value.
#[derive(Default)]
pub(crate) enum Nested {
    #[default]
    Nothing,
    Message(MessageId),
    Items(Box<ValueRules>),
    Entries(Box<(ValueRules, ValueRules)>),
}

impl ValueRules {
    /// Whether the value or its elements have CEL rules.
    fn has_expressions(&self) -> bool {
        let within = match &self.nested {
            Nested::Nothing | Nested::Message(_) => false,
            Nested::Items(items) => items.has_expressions(),
            Nested::Entries(entries) => entries.0.has_expressions() || entries.1.has_expressions(),
        };
        within || !self.cel.is_empty() || !self.predefined.is_empty()
    }
}

impl Rules {
    /// Compiles the rules of all models and their nested messages.
    ///
    /// # Errors
    /// All invalid rules.
    pub(crate) fn compile(catalog: &Catalog, scope: Scope) -> Result<Self, Vec<Diagnostic>> {
        let mut rules = Compiler::new(catalog, scope).compile(catalog)?;
        rules.prune();
        Ok(rules)
    }

    /// Returns the message of a shape, if it belongs to a model.
    pub(crate) fn message_id(&self, shape: ShapeId) -> Option<MessageId> {
        self.ids.get(&shape).copied()
    }

    /// Whether any message has CEL rules.
    pub(crate) fn have_expressions(&self) -> bool {
        let in_fields = |message: &MessageRules| message.fields.iter().any(|field| field.value.has_expressions());
        self.messages.iter().any(|message| !message.cel.is_empty() || in_fields(message))
    }

    /// Returns the rules of a message.
    pub(crate) fn message(&self, id: MessageId) -> &MessageRules {
        &self.messages[id.0]
    }

    /// Determines which messages have rules, and removes fields without rules.
    fn prune(&mut self) {
        loop {
            let messages_with_rules: Vec<bool> = self.messages.iter().map(|message| message.has_rules).collect();
            let mut changed = false;
            for message in &mut self.messages {
                let now = !message.cel.is_empty()
                    || !message.choices.is_empty()
                    || !message.oneofs.is_empty()
                    || message.fields.iter().any(|field| field.required || field.value.has_rules(&messages_with_rules));
                changed |= now != std::mem::replace(&mut message.has_rules, now);
            }
            if !changed {
                for message in &mut self.messages {
                    message.fields.retain(|field| field.required || field.value.has_rules(&messages_with_rules));
                }
                return;
            }
        }
    }
}

impl ValueRules {
    fn has_rules(&self, messages_with_rules: &[bool]) -> bool {
        !self.cel.is_empty()
            || !self.checks.is_empty()
            || !self.predefined.is_empty()
            || match &self.nested {
                Nested::Nothing => false,
                Nested::Message(id) => messages_with_rules[id.0],
                Nested::Items(items) => items.has_rules(messages_with_rules),
                Nested::Entries(entries) => {
                    entries.0.has_rules(messages_with_rules) || entries.1.has_rules(messages_with_rules)
                }
            }
    }
}
