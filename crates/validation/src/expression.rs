//! Finds the CEL expressions of rules, and those among them that are beyond the limits.

use crate::place::{Place, diagnostic};
use groundplan_expr::limits::{excess, shortened};
use groundplan_model::Diagnostic;
use groundplan_model::catalog::Catalog;
use prost_protovalidate::types::{FieldConstraintsDynExt, MessageConstraintsDynExt};
use prost_reflect::{DynamicMessage, ExtensionDescriptor, MessageDescriptor, Value};

/// Finds the expressions that are beyond the limits: of the messages, their fields, and predefined rules.
pub(crate) fn check(catalog: &Catalog, messages: &[MessageDescriptor]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for message in messages {
        if let Some(rules) = message.message_constraints_dynamic() {
            refuse(&rules, &Place::message(message), &mut found);
        }
        for field in message.fields() {
            if let Some(rules) = field.field_constraints_dynamic() {
                refuse(&rules, &Place::field(&field), &mut found);
            }
        }
    }
    let own = |extension: &ExtensionDescriptor| !extension.parent_file().name().starts_with("buf/validate/");
    for extension in catalog.pool.all_extensions().filter(own) {
        refuse(&extension.options(), &Place::extension(&extension), &mut found);
    }
    found
}

/// All expressions in the rules of a message and of its fields.
pub(crate) fn all(message: &MessageDescriptor) -> Vec<String> {
    let mut expressions = Vec::new();
    let fields = message.fields().filter_map(|field| field.field_constraints_dynamic());
    for rules in message.message_constraints_dynamic().into_iter().chain(fields) {
        each(&rules, &mut |expression| expressions.push(expression.to_owned()));
    }
    expressions
}

/// Reports the expressions in the rules that are beyond the limits.
fn refuse(rules: &DynamicMessage, place: &Place, found: &mut Vec<Diagnostic>) {
    each(rules, &mut |expression| {
        if let Some(reason) = excess(expression) {
            let message = format!("the CEL expression {:?} {reason}", shortened(expression, 60));
            found.push(diagnostic(place, message, "correct it, or split it into several rules"));
        }
    });
}

/// Calls `look` with all expressions in rules, wherever they are.
fn each(rules: &DynamicMessage, look: &mut dyn FnMut(&str)) {
    let values = rules.fields().map(|(field, value)| (field.name().to_owned(), value.clone()));
    let extensions = rules.extensions().map(|(extension, value)| (extension.name().to_owned(), value.clone()));
    for (name, value) in values.chain(extensions) {
        each_in(&name, &value, look);
    }
}

fn each_in(name: &str, value: &Value, look: &mut dyn FnMut(&str)) {
    match value {
        Value::Message(message) => each(message, look),
        Value::List(items) => items.iter().for_each(|item| each_in(name, item, look)),
        Value::String(text) if name == "expression" || name == "cel_expression" => look(text),
        _ => {}
    }
}
