//! The rules of all messages that models are made of, read from descriptors. Messages refer to each other by place, so
//! that recursive ones are no trouble.

mod cel;
mod compiler;
mod fit;
mod given;
mod source;

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
    /// Only `google.api.field_behavior = REQUIRED`, of which the oracle knows nothing.
    #[cfg(test)]
    Behaviors,
}

/// The rules of messages.
#[derive(Default)]
pub(crate) struct Rules {
    messages: Vec<MessageRules>,
    places: HashMap<ShapeId, MessageId>,
}

/// A message among [`Rules`].
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
    /// Whether there is any rule here or below.
    pub(crate) live: bool,
}

/// Fields of which at most one may be set.
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
    /// Whether the rules for the value do not matter if the field is not set.
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

/// The rules of what is inside a value.
#[derive(Default)]
pub(crate) enum Nested {
    #[default]
    Nothing,
    Message(MessageId),
    Items(Box<ValueRules>),
    Entries(Box<(ValueRules, ValueRules)>),
}

impl ValueRules {
    /// Whether there is a rule in CEL, here or in the elements.
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
    /// Compiles the rules of all models, and of what they are made of.
    ///
    /// # Errors
    /// All rules that are broken.
    pub(crate) fn compile(catalog: &Catalog, scope: Scope) -> Result<Self, Vec<Diagnostic>> {
        let mut rules = Compiler::new(catalog, scope).run(catalog)?;
        rules.settle();
        Ok(rules)
    }

    /// The message of a shape, if it is one of a model's.
    pub(crate) fn place(&self, shape: ShapeId) -> Option<MessageId> {
        self.places.get(&shape).copied()
    }

    /// Whether there is a rule in CEL.
    pub(crate) fn have_expressions(&self) -> bool {
        let in_fields = |message: &MessageRules| message.fields.iter().any(|field| field.value.has_expressions());
        self.messages.iter().any(|message| !message.cel.is_empty() || in_fields(message))
    }

    /// The rules of a message.
    pub(crate) fn message(&self, id: MessageId) -> &MessageRules {
        &self.messages[id.0]
    }

    /// Finds out which messages have rules at all, and forgets fields that have none.
    fn settle(&mut self) {
        loop {
            let live: Vec<bool> = self.messages.iter().map(|message| message.live).collect();
            let mut changed = false;
            for message in &mut self.messages {
                let now = !message.cel.is_empty()
                    || !message.choices.is_empty()
                    || !message.oneofs.is_empty()
                    || message.fields.iter().any(|field| field.required || field.value.is_live(&live));
                changed |= now != std::mem::replace(&mut message.live, now);
            }
            if !changed {
                for message in &mut self.messages {
                    message.fields.retain(|field| field.required || field.value.is_live(&live));
                }
                return;
            }
        }
    }
}

impl ValueRules {
    fn is_live(&self, live: &[bool]) -> bool {
        !self.cel.is_empty()
            || !self.checks.is_empty()
            || !self.predefined.is_empty()
            || match &self.nested {
                Nested::Nothing => false,
                Nested::Message(id) => live[id.0],
                Nested::Items(items) => items.is_live(live),
                Nested::Entries(entries) => entries.0.is_live(live) || entries.1.is_live(live),
            }
    }
}
