//! The rules of all messages that models are made of, read from descriptors. Messages refer to each other by place, so
//! that recursive ones are no trouble.

mod compiler;
mod source;

use crate::checks::Check;
use compiler::Compiler;
use groundplan_codec::Value;
use groundplan_model::catalog::Catalog;
use groundplan_model::shape::{FieldId, ShapeId};
use std::collections::HashMap;

/// Which rules to compile.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Everything,
    /// Only `google.api.field_behavior = REQUIRED`, of which the library knows nothing.
    Behaviors,
}

/// The rules of messages.
#[derive(Default)]
pub(crate) struct Rules {
    messages: Vec<MessageRules>,
    places: HashMap<ShapeId, MessageId>,
    names: Vec<String>,
}

/// A message among [`Rules`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct MessageId(usize);

/// The rules of one message.
#[derive(Default)]
pub(crate) struct MessageRules {
    /// `(buf.validate.message).oneof`.
    pub(crate) choices: Vec<Choice>,
    pub(crate) oneofs: Vec<RequiredOneof>,
    pub(crate) fields: Vec<FieldRules>,
    /// Whether there is any rule here or below.
    pub(crate) live: bool,
    /// Whether a rule of this very message needs the library.
    beyond: bool,
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
    pub(crate) checks: Vec<Check>,
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

impl Rules {
    /// Compiles the rules of all models, and of what they are made of.
    pub(crate) fn compile(catalog: &Catalog, scope: Scope) -> Self {
        let mut rules = Compiler::new(catalog, scope).run(catalog);
        rules.settle();
        rules
    }

    /// The message of a shape, if it is one of a model's.
    pub(crate) fn place(&self, shape: ShapeId) -> Option<MessageId> {
        self.places.get(&shape).copied()
    }

    /// The rules of a message.
    pub(crate) fn message(&self, id: MessageId) -> &MessageRules {
        &self.messages[id.0]
    }

    /// The full names of all messages.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether a message, or one that can be inside it, has a rule that needs the library.
    pub(crate) fn need_library(&self, shape: ShapeId) -> bool {
        let mut seen = vec![false; self.messages.len()];
        let mut queue: Vec<MessageId> = self.place(shape).into_iter().collect();
        while let Some(id) = queue.pop() {
            if std::mem::replace(&mut seen[id.0], true) {
                continue;
            }
            if self.message(id).beyond {
                return true;
            }
            queue.extend(self.message(id).fields.iter().filter_map(|field| field.value.message()));
        }
        false
    }

    /// Finds out which messages have rules at all, and forgets fields that have none.
    fn settle(&mut self) {
        loop {
            let live: Vec<bool> = self.messages.iter().map(|message| message.live).collect();
            let mut changed = false;
            for message in &mut self.messages {
                let now = message.beyond
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
    /// The message in the value.
    fn message(&self) -> Option<MessageId> {
        match &self.nested {
            Nested::Nothing => None,
            Nested::Message(id) => Some(*id),
            Nested::Items(items) => items.message(),
            // Keys are no messages.
            Nested::Entries(entries) => entries.1.message(),
        }
    }

    fn is_live(&self, live: &[bool]) -> bool {
        !self.checks.is_empty()
            || match &self.nested {
                Nested::Nothing => false,
                Nested::Message(id) => live[id.0],
                Nested::Items(items) => items.is_live(live),
                Nested::Entries(entries) => entries.0.is_live(live) || entries.1.is_live(live),
            }
    }
}
