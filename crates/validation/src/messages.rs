//! The words of a violation, such that they follow the field's name.

use groundplan_expr::Failure;
use prost_protovalidate::types::{DESCRIPTOR_POOL, PredefinedConstraintsExt};
use std::collections::HashMap;
use std::sync::LazyLock;

/// What protovalidate's own `.proto` says for each rule id. The library leaves many of these messages empty.
static STANDARD: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
    let fields = DESCRIPTOR_POOL.all_messages().flat_map(|message| message.fields().collect::<Vec<_>>());
    let rules = fields.filter_map(|field| field.predefined_constraints().ok().flatten()).flat_map(|rules| rules.cel);
    rules.filter_map(|rule| Some((rule.id?, rule.message.filter(|message| !message.is_empty())?))).collect()
});

/// Rule id of a field or a oneof that must be set.
pub(crate) const REQUIRED: &str = "required";

/// Rule id of fields of which one may, or must, be set.
pub(crate) const CHOICE: &str = "message.oneof";

/// Rule id of a record whose rules cannot be evaluated.
pub(crate) const NOT_CHECKED: &str = "cel.not_checked";

/// Words for [`REQUIRED`].
pub(crate) const IS_REQUIRED: &str = "is required";

/// Describes a breach of a standard rule. `message` is the library's.
pub(crate) fn standard(rule: &str, message: &str) -> String {
    let message = match message {
        "" => STANDARD.get(rule).map_or("", String::as_str),
        message => message,
    };
    match message.strip_prefix("value ").unwrap_or(message) {
        "" => fallback(rule),
        words => words.to_owned(),
    }
}

/// Describes a oneof of which no member is set.
pub(crate) fn required_oneof(members: &[String]) -> String {
    match members {
        [only] => format!("is required: set {only}"),
        [others @ .., last] => format!("is required: set {} or {last}", others.join(", ")),
        [] => IS_REQUIRED.to_owned(),
    }
}

/// Describes a rule in CEL that has no answer for a value.
pub(crate) fn not_checked(rule: &str, failure: Failure, has_field: bool) -> String {
    if has_field {
        format!("cannot be checked by the rule `{rule}`: {failure}")
    } else {
        format!("the rule `{rule}` cannot be checked with these values: {failure}")
    }
}

/// Describes a breach of a rule of the user's own that has no message.
pub(crate) fn unsaid(rule: &str, has_field: bool) -> String {
    if has_field { format!("breaks the rule `{rule}`") } else { format!("the rule `{rule}` is broken") }
}

/// Describes a breach of a standard rule for which neither the library nor protovalidate has words.
fn fallback(rule: &str) -> String {
    match rule {
        REQUIRED => IS_REQUIRED.to_owned(),
        // The library has no words when NaN meets a range.
        _ if rule.starts_with("float.") || rule.starts_with("double.") => "must be a number".to_owned(),
        _ => match rule.strip_suffix("_empty").and_then(|rule| STANDARD.get(rule)) {
            Some(words) => format!("is empty, but {}", words.strip_prefix("value ").unwrap_or(words)),
            None => unsaid(rule, true),
        },
    }
}
