//! Checks function calls.

use super::messages::suggestion;
use super::{Checker, Typed};
use crate::ExprError;
use crate::ir::{Quantifier, Rewrite, TextTest, TimePart};
use crate::parse::{Node, Span};

/// Functions that are called with their arguments.
const FUNCTIONS: [&str; 9] = ["has", "size", "int", "uint", "double", "string", "timestamp", "duration", "search"];

/// Functions that are called on a value, in addition to [`TIME_PARTS`].
const METHODS: [&str; 8] = ["startsWith", "endsWith", "contains", "matches", "size", "exists", "all", "exists_one"];

/// Functions of CEL's string extension that only formulas have.
const REWRITES: [(&str, Rewrite); 3] =
    [("lowerAscii", Rewrite::LowerAscii), ("upperAscii", Rewrite::UpperAscii), ("trim", Rewrite::Trim)];

const TIME_PARTS: [(&str, TimePart); 10] = [
    ("getFullYear", TimePart::FullYear),
    ("getMonth", TimePart::Month),
    ("getDate", TimePart::Date),
    ("getDayOfMonth", TimePart::DayOfMonth),
    ("getDayOfWeek", TimePart::DayOfWeek),
    ("getDayOfYear", TimePart::DayOfYear),
    ("getHours", TimePart::Hours),
    ("getMinutes", TimePart::Minutes),
    ("getSeconds", TimePart::Seconds),
    ("getMilliseconds", TimePart::Milliseconds),
];

/// Whether a function of this name is called on a value.
pub(super) fn is_method(name: &str) -> bool {
    METHODS.contains(&name) || time_part(name).is_some() || rewrite(name).is_some()
}

pub(super) fn time_part(name: &str) -> Option<TimePart> {
    TIME_PARTS.iter().find(|(part, _)| *part == name).map(|(_, part)| *part)
}

pub(super) fn rewrite(name: &str) -> Option<Rewrite> {
    REWRITES.iter().find(|(rewrite, _)| *rewrite == name).map(|(_, rewrite)| *rewrite)
}

impl Checker<'_> {
    pub(super) fn call(
        &mut self,
        (name, span): (&str, Span),
        target: Option<&Node>,
        arguments: &[Node],
    ) -> Result<Typed, ExprError> {
        if let (Some(time), Some(part)) = (target, time_part(name)) {
            return self.time_part(part, (name, span), time, arguments);
        }
        if let (Some(text), Some(rewrite), []) = (target, rewrite(name), arguments) {
            return self.rewrite(rewrite, (name, span), text);
        }
        match (target, name, arguments) {
            (None, "has", [field]) => self.has(field),
            (None, "size", [value]) | (Some(value), "size", []) => self.size(value),
            (None, "int" | "uint" | "double" | "string" | "timestamp" | "duration", [value]) => {
                self.conversion(name, value)
            }
            (None, "search", [field, words]) => self.search(field, words),
            (Some(text), "startsWith", [part]) => self.text_test(TextTest::StartsWith, text, part),
            (Some(text), "endsWith", [part]) => self.text_test(TextTest::EndsWith, text, part),
            (Some(text), "contains", [part]) => self.text_test(TextTest::Contains, text, part),
            (Some(text), "matches", [pattern]) | (None, "matches", [text, pattern]) => self.matches(text, pattern),
            (Some(list), "exists", [variable, condition]) => {
                self.quantified(Quantifier::Exists, list, variable, condition)
            }
            (Some(list), "all", [variable, condition]) => self.quantified(Quantifier::All, list, variable, condition),
            (Some(list), "exists_one" | "existsOne", [variable, condition]) => {
                self.quantified(Quantifier::ExistsOne, list, variable, condition)
            }
            _ => Err(self.call_error((name, span), target, arguments.len())),
        }
    }

    /// Returns why a call is invalid.
    fn call_error(&self, (name, span): (&str, Span), target: Option<&Node>, count: usize) -> ExprError {
        let usage = match name {
            "has" => "`has(field)` takes one field",
            "size" => "write `size(field)`, or `field.size()`",
            "int" | "uint" | "double" | "string" | "timestamp" | "duration" if target.is_some() => {
                return self.error(span, format!("`{name}` comes before its value, as in `{name}(x)`"));
            }
            "int" | "uint" | "double" | "string" | "timestamp" | "duration" => "a conversion takes one value",
            "search" => "write `search(field, \"words\")`",
            "startsWith" | "endsWith" | "contains" | "matches" => {
                return self.error(span, format!("write `text.{name}(\"…\")`"));
            }
            "exists" | "all" | "exists_one" | "existsOne" if target.is_some() && count == 3 => {
                "lists and maps are searched with one variable"
            }
            "exists" | "all" | "exists_one" | "existsOne" => {
                return self.error(span, format!("write `list.{name}(x, condition of x)`"));
            }
            "map" | "filter" if target.is_some() => {
                return self.error(
                    span,
                    format!(
                        "`{name}` returns a list, which {} cannot use: write `exists` or `all`",
                        self.purpose.noun()
                    ),
                );
            }
            "bytes" | "bool" | "dyn" | "type" => {
                let nouns = self.purpose.nouns();
                return self
                    .error(span, format!("`{name}` is not available in {nouns}, which know the types of all fields"));
            }
            _ if rewrite(name).is_some() => {
                return self.error(span, format!("write `text.{name}()`"));
            }
            _ if time_part(name).is_some() => {
                return self.error(span, format!("write `time.{name}()`"));
            }
            _ => return self.unknown_function(name, span, target.is_some()),
        };
        self.error(span, usage)
    }

    fn unknown_function(&self, name: &str, span: Span, is_method_call: bool) -> ExprError {
        let parts = TIME_PARTS.iter().map(|(part, _)| *part);
        let rewrites = REWRITES.iter().map(|(rewrite, _)| *rewrite).filter(|_| self.purpose.is_formula());
        let known = FUNCTIONS.into_iter().chain(METHODS).chain(parts).chain(rewrites.clone());
        let help = suggestion(name, known).unwrap_or_else(|| {
            let (kind, names) = if is_method_call { ("methods", &METHODS[..]) } else { ("functions", &FUNCTIONS[..]) };
            let rewrites = rewrites.filter(|_| is_method_call);
            let names: Vec<String> = names.iter().copied().chain(rewrites).map(|name| format!("`{name}`")).collect();
            format!("{kind} are {}", names.join(", "))
        });
        self.error(span, format!("there is no function {}: {help}", super::messages::quote(name)))
    }
}
