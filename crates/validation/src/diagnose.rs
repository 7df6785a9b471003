//! Finds broken rules when models are planned, so that no call ever meets one.
//!
//! The library compiles all rules, the plain ones too: it is the judge of what is a valid rule. Each field's rules are
//! tried alone on an empty message, which tells whose rules are broken.

use crate::expression;
use crate::place::{Place, diagnostic};
use crate::rules::Rules;
use groundplan_model::Diagnostic;
use groundplan_model::catalog::Catalog;
use prost_protovalidate::types::{FieldConstraintsDynExt, MessageConstraintsDynExt, OneofConstraintsExt};
use prost_protovalidate::{CompilationError, Error, Filter, ValidationOption, Validator, ValidatorOption};
use prost_reflect::{DynamicMessage, FieldDescriptor, MessageDescriptor, OneofDescriptor};
use std::collections::{HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Room for the CEL parser, whose frames are large. Only what is used of it takes memory.
const STACK: usize = 256 << 20;

/// Words of failures that no data can cause: the rule itself is wrong.
const WRONG_WHATEVER_THE_DATA: &[&str] = &[
    "Undeclared reference",
    "No such overload",
    "Invalid argument",
    "not supported on type",
    "Unexpected type",
    "Missing argument",
    "can not be compared",
    "Unsupported",
    "Cannot use value",
    "returned unsupported type",
];

/// Compiles all rules with the library, and reports those that are broken.
pub(crate) fn check(catalog: &Catalog, rules: &Rules) -> Result<Arc<Validator>, Vec<Diagnostic>> {
    let messages: Vec<MessageDescriptor> =
        rules.names().iter().filter_map(|name| catalog.pool.get_message_by_name(name)).collect();
    let too_much = expression::check(catalog, &messages);
    if !too_much.is_empty() {
        return Err(too_much);
    }
    std::thread::scope(|scope| {
        let work = || warm(catalog, &messages);
        let worker = std::thread::Builder::new().name("rules".to_owned()).stack_size(STACK).spawn_scoped(scope, work);
        match worker.map(|worker| worker.join()) {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(vec![failure("the library panicked")]),
            Err(error) => Err(vec![failure(&format!("no thread: {error}"))]),
        }
    })
}

/// Makes the validator of a revision, and has it compile everything.
fn warm(catalog: &Catalog, messages: &[MessageDescriptor]) -> Result<Arc<Validator>, Vec<Diagnostic>> {
    let set = ValidatorOption::AdditionalDescriptorSetBytes(catalog.descriptor_set.to_vec());
    let validator = Validator::with_options(&[set]);
    let mut found = Vec::new();
    for message in messages {
        try_message(&validator, message, &mut found);
    }
    // Whatever could not be told to be some field's.
    if found.is_empty() {
        for message in messages {
            if let Err(Error::Compilation(error)) = validator.validate(&DynamicMessage::new(message.clone())) {
                found.push(diagnostic(&Place::message(message), error.cause, "correct the rules of this message"));
            }
        }
    }
    found.dedup();
    if found.is_empty() { Ok(Arc::new(validator)) } else { Err(found) }
}

/// Tries the rules of a message, its oneofs and its fields, each alone.
fn try_message(validator: &Validator, message: &MessageDescriptor, found: &mut Vec<Diagnostic>) {
    let broken = |only: Only| {
        let options = [ValidationOption::Filter(Arc::new(only))];
        let empty = DynamicMessage::new(message.clone());
        // The CEL parser is known to panic on some expressions.
        let result = catch_unwind(AssertUnwindSafe(|| validator.validate_with(&empty, &options)));
        match result.unwrap_or_else(|_| Err(panicked())) {
            // An embedded message is tried by itself.
            Err(Error::Compilation(error)) if error.cause.starts_with("failed to compile embedded type") => None,
            Err(Error::Compilation(error)) => Some(error.cause),
            Err(Error::Runtime(error)) if is_wrong(&error.cause, message) => Some(error.cause),
            _ => None,
        }
    };
    let has_rules = message.message_constraints_dynamic().is_some()
        || message.oneofs().any(|oneof| oneof.try_is_required().is_err());
    if let Some(cause) = has_rules.then(|| broken(Only::Message)).flatten() {
        found.push(diagnostic(&Place::message(message), cause, "correct the (buf.validate.message) option"));
    }
    for field in message.fields().filter(|field| field.field_constraints_dynamic().is_some()) {
        if let Some(cause) = broken(Only::Field(field.number())) {
            let cause =
                if cause.contains(field.full_name()) { cause } else { format!("{}: {cause}", field.full_name()) };
            found.push(diagnostic(&Place::field(&field), cause, "correct the (buf.validate.field) option"));
        }
    }
}

/// Whether a rule that failed on an empty message is wrong whatever the data are.
fn is_wrong(cause: &str, message: &MessageDescriptor) -> bool {
    if WRONG_WHATEVER_THE_DATA.iter().any(|words| cause.contains(words)) {
        return true;
    }
    // A field that no message has. A map's key may well be absent from an empty map.
    let Some((_, name)) = cause.rsplit_once("No such key: ") else { return false };
    let expressions = expression::all(message);
    let selected = format!(".{name}");
    expressions.iter().any(|expression| expression.contains(&selected)) && !field_names(message).contains(name)
}

/// The names of all fields that an expression on a message can reach.
fn field_names(message: &MessageDescriptor) -> HashSet<String> {
    let mut names = HashSet::new();
    let mut seen = HashSet::new();
    let mut queue = VecDeque::from([message.clone()]);
    while let Some(message) = queue.pop_front() {
        if !seen.insert(message.full_name().to_owned()) {
            continue;
        }
        for field in message.fields() {
            names.insert(field.name().to_owned());
            queue.extend(field.kind().as_message().cloned());
        }
    }
    names
}

/// Lets the library look at one thing of a message.
enum Only {
    /// The message's own rules.
    Message,
    /// The field of this number.
    Field(u32),
}

impl Filter for Only {
    fn should_validate(&self, _: &DynamicMessage, _: &MessageDescriptor) -> bool {
        matches!(self, Self::Message)
    }

    fn should_validate_field(&self, _: &DynamicMessage, field: &FieldDescriptor) -> bool {
        matches!(self, Self::Field(number) if *number == field.number())
    }

    fn should_validate_oneof(&self, _: &DynamicMessage, _: &OneofDescriptor) -> bool {
        false
    }
}

/// What a panic of the library comes to.
fn panicked() -> Error {
    Error::Compilation(CompilationError { cause: "the rule cannot be compiled".to_owned() })
}

/// Reports a failure that is not the models'.
fn failure(cause: &str) -> Diagnostic {
    diagnostic(&Place::nowhere(), format!("the rules could not be compiled: {cause}"), "see the server's log")
}
