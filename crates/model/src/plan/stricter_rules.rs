//! Warns of stricter rules. An apply does not check existing records, so updates of records that violate a new rule can
//! fail.

use super::canonical;
use super::unsupported::field_location;
use crate::catalog::{Catalog, Model};
use crate::code;
use crate::diagnostic::{Diagnostics, SourceLocation};
use crate::types::reachable;
use prost_reflect::{DynamicMessage, MessageDescriptor, ReflectMessage as _, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Rules by name, such as `string.max_len`.
type Rules = BTreeMap<String, Value>;

/// Warns of new and stricter rules of a model and of the messages that it uses.
pub(super) fn warn_of_model(
    base: &Catalog,
    before: &Model,
    target: &Catalog,
    after: &Model,
    diagnostics: &mut Diagnostics,
) {
    let Some(model) = target.pool.get_message_by_name(&after.full_name) else { return };
    for message in reachable([model]).messages {
        let Some(old) = base.pool.get_message_by_name(message.full_name()) else { continue };
        let location = SourceLocation::of_message(&message);
        warn(&old.options(), &message.options(), message.full_name(), location, before, diagnostics);
        warn_of_fields(&old, &message, target, before, diagnostics);
    }
}

fn warn_of_fields(
    old: &MessageDescriptor,
    new: &MessageDescriptor,
    target: &Catalog,
    model: &Model,
    diagnostics: &mut Diagnostics,
) {
    for field in new.fields() {
        let name = format!("{}.{}", new.full_name(), field.name());
        let location = field_location(target, new.full_name(), field.number());
        let known = old.get_field(field.number()).map(|old| old.options());
        let none = || DynamicMessage::new(field.options().descriptor());
        warn(&known.unwrap_or_else(none), &field.options(), &name, location, model, diagnostics);
    }
    for oneof in new.oneofs().filter(|oneof| !oneof.is_synthetic()) {
        let name = format!("{}.{}", new.full_name(), oneof.name());
        let old = old.oneofs().find(|old| old.name() == oneof.name()).map(|old| old.options());
        let none = || DynamicMessage::new(oneof.options().descriptor());
        let location = SourceLocation::at_path(&oneof.parent_message().parent_file(), oneof.path());
        warn(&old.unwrap_or_else(none), &oneof.options(), &name, location, model, diagnostics);
    }
}

fn warn(
    old: &DynamicMessage,
    new: &DynamicMessage,
    name: &str,
    location: SourceLocation,
    model: &Model,
    diagnostics: &mut Diagnostics,
) {
    let (old, new) = (stated_rules(old), stated_rules(new));
    let stricter = new.iter().filter(|(rule, value)| !old.get(*rule).is_some_and(|old| is_as_wide(rule, old, value)));
    let stricter: Vec<&str> = stricter.map(|(rule, _)| rule.as_str()).collect();
    if stricter.is_empty() {
        return;
    }
    let message = format!(
        "{name} has a new or stricter rule ({}); existing records of {} are not checked, so an update of one that \
         violates it can fail",
        stricter.join(", "),
        model.full_name
    );
    let help = "find such records with a filter and correct them, before or after the apply";
    diagnostics.report(location, code::STRICTER_RULE, message, help);
}

/// Returns the rules in options.
fn stated_rules(options: &DynamicMessage) -> Rules {
    let mut rules = Rules::new();
    for (extension, value) in options.extensions() {
        match extension.full_name() {
            "google.api.field_behavior" => {
                const REQUIRED: i32 = 2;
                let behaviors = value.as_list().unwrap_or_default();
                if behaviors.iter().any(|behavior| behavior.as_enum_number() == Some(REQUIRED)) {
                    rules.insert("REQUIRED".to_owned(), Value::Bool(true));
                }
            }
            name if name.starts_with("buf.validate.") => flatten("", value, &mut rules),
            _ => {}
        }
    }
    rules
}

fn flatten(name: &str, value: &Value, rules: &mut Rules) {
    // These fields control when rules apply, or document them.
    const NO_RULES: [&str; 2] = ["ignore", "example"];
    let Some(message) = value.as_message().filter(|message| !message.descriptor().full_name().starts_with("google."))
    else {
        if !matches!(value, Value::Bool(false)) {
            rules.insert(name.to_owned(), value.clone());
        }
        return;
    };
    for (field, value) in message.fields().filter(|(field, _)| !NO_RULES.contains(&field.name())) {
        let name = if name.is_empty() { field.name().to_owned() } else { format!("{name}.{}", field.name()) };
        flatten(&name, value, rules);
    }
    for (extension, value) in message.extensions() {
        flatten(&format!("{name}.({})", extension.full_name()), value, rules);
    }
}

/// Returns whether the new rule allows everything that the old one allowed.
fn is_as_wide(rule: &str, old: &Value, new: &Value) -> bool {
    let name = rule.rsplit('.').next().unwrap_or_default();
    let (Some(one), Some(other)) = (number(old), number(new)) else {
        return match name {
            "in" => elements(old).is_subset(&elements(new)),
            "not_in" | "cel" | "cel_expression" => elements(new).is_subset(&elements(old)),
            _ => canonical::value_text(old) == canonical::value_text(new),
        };
    };
    match name {
        "gt" | "gte" | "min_len" | "min_bytes" | "min_items" | "min_pairs" => other <= one,
        "lt" | "lte" | "max_len" | "max_bytes" | "max_items" | "max_pairs" => other >= one,
        _ => canonical::value_text(old) == canonical::value_text(new),
    }
}

/// Returns the elements of a list as text: messages of two pools are never equal.
fn elements(list: &Value) -> BTreeSet<String> {
    list.as_list().unwrap_or_default().iter().map(canonical::value_text).collect()
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::I32(number) => Some(f64::from(*number)),
        Value::U32(number) => Some(f64::from(*number)),
        // Limits of this size differ by more than the lost precision.
        Value::I64(number) => Some(*number as f64),
        Value::U64(number) => Some(*number as f64),
        Value::F32(number) => Some(f64::from(*number)),
        Value::F64(number) => Some(*number),
        _ => None,
    }
}
