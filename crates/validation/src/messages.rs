//! Descriptions of violations, phrased to follow the field's name.

use groundplan_expr::EvaluationFailure;
use prost_protovalidate::types::{DESCRIPTOR_POOL, PredefinedConstraintsExt};
use std::collections::HashMap;
use std::sync::LazyLock;

/// The messages of protovalidate's `.proto` by rule id. The library leaves many of them empty.
static STANDARD: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
    let fields = DESCRIPTOR_POOL.all_messages().flat_map(|message| message.fields().collect::<Vec<_>>());
    let rules = fields.filter_map(|field| field.predefined_constraints().ok().flatten()).flat_map(|rules| rules.cel);
    rules.filter_map(|rule| Some((rule.id?, rule.message.filter(|message| !message.is_empty())?))).collect()
});

/// The rule id of a field or a oneof that must be set.
pub(crate) const REQUIRED: &str = "required";

/// The rule id of fields of which one can, or must, be set.
pub(crate) const CHOICE: &str = "message.oneof";

/// The rule id of a record whose rules cannot be evaluated.
pub(crate) const NOT_CHECKED: &str = "cel.not_checked";

/// The description of [`REQUIRED`].
pub(crate) const IS_REQUIRED: &str = "is required";

/// Describes a violation of a standard rule. `message` is the library's.
pub(crate) fn standard_description(rule: &str, message: &str) -> String {
    let message = match message {
        "" => STANDARD.get(rule).map_or("", String::as_str),
        message => message,
    };
    match message.strip_prefix("value ").unwrap_or(message) {
        "" => fallback(rule),
        description => description.to_owned(),
    }
}

/// Describes a oneof without a set member.
pub(crate) fn required_oneof(members: &[String]) -> String {
    match members {
        [only] => format!("is required: set {only}"),
        [others @ .., last] => format!("is required: set {} or {last}", others.join(", ")),
        [] => IS_REQUIRED.to_owned(),
    }
}

/// Describes a CEL rule that cannot be evaluated for a value.
pub(crate) fn describe_evaluation_failure(rule: &str, failure: EvaluationFailure, has_field: bool) -> String {
    if has_field {
        format!("cannot be checked by the rule `{rule}`: {failure}")
    } else {
        format!("the rule `{rule}` cannot be checked with these values: {failure}")
    }
}

/// Describes a violation of a rule without a message.
pub(crate) fn default_description(rule: &str, has_field: bool) -> String {
    if has_field { format!("breaks the rule `{rule}`") } else { format!("the rule `{rule}` is broken") }
}

/// Describes a violation of a standard rule for which neither the library nor protovalidate has a message.
fn fallback(rule: &str) -> String {
    match rule {
        REQUIRED => IS_REQUIRED.to_owned(),
        // The library has no message for NaN in a range.
        _ if rule.starts_with("float.") || rule.starts_with("double.") => "must be a number".to_owned(),
        _ => match rule.strip_suffix("_empty").and_then(|rule| STANDARD.get(rule)) {
            Some(message) => format!("is empty, but {}", message.strip_prefix("value ").unwrap_or(message)),
            None => default_description(rule, true),
        },
    }
}
