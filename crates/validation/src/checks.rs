//! Standard rules as predicates over values, in the order in which the library checks them.
//!
//! Rule ids and messages come from the library's tables, so that both report the same.

mod collections;
mod formats;
mod numbers;
mod text;
mod times;

use crate::messages;
use groundplan_codec::Value;
use prost_protovalidate::types::FieldRules;
use prost_protovalidate::types::field_rules::Type;
use prost_protovalidate::types::rules_meta::{boolean, enumeration, field_mask};
use prost_protovalidate::validators::fieldmask_covers;
use std::borrow::Cow;
use std::collections::HashSet;

/// One rule: a predicate over values, and the violation if it does not hold.
pub(crate) struct Check {
    pub(crate) holds: Box<dyn Fn(&Value) -> bool + Send + Sync>,
    pub(crate) rule: Cow<'static, str>,
    pub(crate) description: String,
    /// Whether the following checks are skipped if this one does not hold.
    pub(crate) last: bool,
}

/// A builder of checks.
#[derive(Default)]
pub(crate) struct Checks(Vec<Check>);

impl Checks {
    /// Adds a check on values of any type.
    fn value(
        &mut self,
        rule: impl Into<Cow<'static, str>>,
        message: &str,
        holds: impl Fn(&Value) -> bool + Send + Sync + 'static,
    ) {
        let rule = rule.into();
        let description = messages::standard_description(&rule, message);
        self.0.push(Check { holds: Box::new(holds), rule, description, last: false });
    }

    /// Makes the last added check skip the following checks if it does not hold.
    fn stop_on_failure(&mut self) {
        if let Some(check) = self.0.last_mut() {
            check.last = true;
        }
    }
}

/// Compiles the standard rules of a value, or returns why they are invalid. `defined` has the numbers of the value's enum.
pub(crate) fn compile(rules: &FieldRules, defined: &[i32]) -> Result<Vec<Check>, String> {
    let mut checks = Checks::default();
    match &rules.r#type {
        None | Some(Type::Any(_)) => {}
        Some(Type::Bool(rules)) => {
            if let Some(wanted) = rules.r#const {
                let message = boolean::const_message(wanted);
                checks.value(boolean::CONST_ID, &message, move |value| *value == Value::Bool(wanted));
            }
        }
        Some(Type::Enum(rules)) => {
            checks.enumeration(rules.r#const, &rules.r#in, &rules.not_in);
            if rules.defined_only == Some(true) {
                checks.defined_only(defined);
            }
        }
        Some(Type::FieldMask(rules)) => {
            let wanted = rules.r#const.as_ref().map(|mask| mask.paths.clone());
            checks.field_mask(wanted, rules.r#in.clone(), rules.not_in.clone());
        }
        Some(Type::String(rules)) => checks.string(rules)?,
        Some(Type::Bytes(rules)) => checks.bytes(rules)?,
        Some(Type::Repeated(rules)) => checks.repeated(rules),
        Some(Type::Map(rules)) => checks.map(rules),
        Some(Type::Timestamp(rules)) => checks.timestamp(rules),
        Some(Type::Duration(rules)) => checks.duration(rules),
        Some(number) => checks.number(number),
    }
    Ok(checks.0)
}

impl Checks {
    fn enumeration(&mut self, wanted: Option<i32>, allowed: &[i32], forbidden: &[i32]) {
        if let Some(wanted) = wanted {
            let message = enumeration::const_message(wanted);
            self.value(enumeration::CONST_ID, &message, move |value| *value == Value::Enum(wanted));
        }
        if !allowed.is_empty() {
            self.value(enumeration::IN_ID, &enumeration::in_message(&distinct(allowed)), enum_in(allowed, true));
        }
        if !forbidden.is_empty() {
            let message = enumeration::not_in_message(&distinct(forbidden));
            self.value(enumeration::NOT_IN_ID, &message, enum_in(forbidden, false));
        }
    }

    fn defined_only(&mut self, defined: &[i32]) {
        self.value(enumeration::DEFINED_ONLY_ID, enumeration::DEFINED_ONLY_MESSAGE, enum_in(defined, true));
    }

    fn field_mask(&mut self, wanted: Option<Vec<String>>, allowed: Vec<String>, forbidden: Vec<String>) {
        let paths = |value: &Value, test: &dyn Fn(&[String]) -> bool| match value {
            Value::FieldMask(paths) => test(paths),
            _ => true,
        };
        let covered = |path: &str, by: &[String]| by.iter().any(|candidate| fieldmask_covers(candidate, path));
        if let Some(wanted) = wanted {
            let holds = move |value: &Value| paths(value, &|paths| paths == wanted);
            self.value(field_mask::CONST_ID, field_mask::CONST_MESSAGE, holds);
        }
        if !allowed.is_empty() {
            let holds = move |value: &Value| paths(value, &|paths| paths.iter().all(|path| covered(path, &allowed)));
            self.value(field_mask::IN_ID, field_mask::IN_MESSAGE, holds);
        }
        if !forbidden.is_empty() {
            let holds = move |value: &Value| paths(value, &|paths| !paths.iter().any(|path| covered(path, &forbidden)));
            self.value(field_mask::NOT_IN_ID, field_mask::NOT_IN_MESSAGE, holds);
        }
    }
}

/// Returns a test whether an enum's number is in the list, or is not.
fn enum_in(list: &[i32], wanted: bool) -> impl Fn(&Value) -> bool + Send + Sync + 'static {
    let list: HashSet<i32> = list.iter().copied().collect();
    move |value| match value {
        Value::Enum(number) => list.contains(number) == wanted,
        _ => true,
    }
}

/// Removes duplicates, as the library does in its messages.
fn distinct<T: Clone + Ord>(items: &[T]) -> Vec<T> {
    items.iter().cloned().collect::<std::collections::BTreeSet<_>>().into_iter().collect()
}
