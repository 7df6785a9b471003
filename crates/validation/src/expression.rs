//! Limits on CEL. Its parser and evaluator recurse, so that an expression must be known to be shallow before either
//! sees it: a stack that overflows takes the process with it.

use crate::place::{Place, diagnostic};
use crate::tokens::{self, Token};
use groundplan_model::Diagnostic;
use groundplan_model::catalog::Catalog;
use prost_protovalidate::types::{FieldConstraintsDynExt, MessageConstraintsDynExt};
use prost_reflect::{DynamicMessage, ExtensionDescriptor, MessageDescriptor, Value};

/// The longest expression, in bytes.
pub(crate) const MAX_LENGTH: usize = 4_096;

/// The deepest nesting of brackets in an expression.
pub(crate) const MAX_NESTING: usize = 24;

/// The most operators in an expression, each `[` among them: a chain of them is as deep as it is long.
pub(crate) const MAX_OPERATORS: usize = 200;

/// The most `?` in an expression. The parser counts each as a level, and its own limit, 96, makes a debug build panic.
pub(crate) const MAX_CONDITIONS: usize = 48;

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
            let message = format!("the CEL expression {:?} {reason}", shortened(expression));
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

/// Says why an expression is too much, or not even one, if it is.
pub(crate) fn excess(expression: &str) -> Option<String> {
    if expression.len() > MAX_LENGTH {
        return Some(format!("has {} bytes; at most {MAX_LENGTH} are allowed", expression.len()));
    }
    let Size { nesting, operators, conditions } = match measure(expression) {
        Ok(size) => size,
        Err(rest) => {
            return Some(format!(
                "cannot be read at {:?}: no word, number, operator or string of CEL",
                shortened(rest)
            ));
        }
    };
    if nesting > MAX_NESTING {
        return Some(format!("nests {nesting} brackets; at most {MAX_NESTING} are allowed"));
    }
    if operators > MAX_OPERATORS {
        return Some(format!("has {operators} operators and indexes; at most {MAX_OPERATORS} are allowed"));
    }
    if conditions > MAX_CONDITIONS {
        return Some(format!("has {conditions} conditions; at most {MAX_CONDITIONS} are allowed"));
    }
    None
}

/// What makes an expression deep.
#[derive(Default)]
struct Size {
    nesting: usize,
    operators: usize,
    conditions: usize,
}

/// Measures an expression; strings and comments do not count. `Err` is the rest of it, at whose start is no token.
fn measure(expression: &str) -> Result<Size, &str> {
    let mut depth = 0_usize;
    let mut size = Size::default();
    let mut rest = expression;
    while !rest.is_empty() {
        let (token, after) = tokens::next(rest).ok_or(rest)?;
        match token {
            Token::Open => {
                depth += 1;
                // An index is as deep as what it is taken of, which is before it and not around it.
                size.operators += usize::from(rest.starts_with('['));
            }
            Token::Close => depth = depth.saturating_sub(1),
            Token::Operator => size.operators += 1,
            Token::Condition => size.conditions += 1,
            Token::Other => {}
        }
        size.nesting = size.nesting.max(depth);
        rest = after;
    }
    Ok(size)
}

/// The first characters of a long text.
fn shortened(text: &str) -> String {
    if text.chars().count() <= 60 { text.to_owned() } else { text.chars().take(60).chain(['…']).collect() }
}
