//! Checks function calls in rules.

use super::{RuleChecker, Typed, macros, rule_expr};
use crate::ExprError;
use crate::check::calls::{rewrite, time_part};
use crate::check::messages::{quote, suggestion};
use crate::ir::{Expr, Function, RuleExpr, TextTest, Type};
use crate::limits::MAX_RULE_PATTERN;
use crate::parse::{Literal, Node, NodeKind, Span};
use regex::RegexBuilder;
use std::sync::Arc;

/// Functions on values: the name, and the types of the arguments, including the value before the dot.
const FUNCTIONS: &[(&str, Function, &[Type])] = &[
    ("isNan", Function::IsNan, &[Type::Double]),
    ("isInf", Function::IsInf, &[Type::Double]),
    ("isInf", Function::IsInf, &[Type::Double, Type::Int]),
    ("isEmail", Function::IsEmail, &[Type::String]),
    ("isHostname", Function::IsHostname, &[Type::String]),
    ("isHostAndPort", Function::IsHostAndPort, &[Type::String, Type::Bool]),
    ("isIp", Function::IsIp, &[Type::String]),
    ("isIp", Function::IsIp, &[Type::String, Type::Int]),
    ("isIpPrefix", Function::IsIpPrefix, &[Type::String]),
    ("isIpPrefix", Function::IsIpPrefix, &[Type::String, Type::Int]),
    ("isIpPrefix", Function::IsIpPrefix, &[Type::String, Type::Bool]),
    ("isIpPrefix", Function::IsIpPrefix, &[Type::String, Type::Int, Type::Bool]),
    ("isUri", Function::IsUri, &[Type::String]),
    ("isUriRef", Function::IsUriRef, &[Type::String]),
];

const CONVERSIONS: &[(&str, Function, Type, &[Type])] = &[
    ("int", Function::Int, Type::Int, &[Type::Int, Type::Uint, Type::Double, Type::String, Type::Timestamp]),
    ("uint", Function::Uint, Type::Uint, &[Type::Int, Type::Uint, Type::Double, Type::String]),
    ("double", Function::Double, Type::Double, &[Type::Int, Type::Uint, Type::Double, Type::String]),
    (
        "string",
        Function::String,
        Type::String,
        &[Type::Bool, Type::Int, Type::Uint, Type::Double, Type::String, Type::Bytes, Type::Timestamp, Type::Duration],
    ),
    ("bytes", Function::Bytes, Type::Bytes, &[Type::String, Type::Bytes]),
    ("bool", Function::Bool, Type::Bool, &[Type::String, Type::Bool]),
    ("timestamp", Function::Timestamp, Type::Timestamp, &[Type::String, Type::Int, Type::Timestamp]),
    ("duration", Function::Duration, Type::Duration, &[Type::String, Type::Duration]),
];

/// Other functions, for suggestions.
const OTHERS: [&str; 14] = [
    "has",
    "size",
    "startsWith",
    "endsWith",
    "contains",
    "matches",
    "unique",
    "format",
    "all",
    "exists",
    "exists_one",
    "map",
    "filter",
    "dyn",
];

impl RuleChecker<'_> {
    pub(super) fn call(
        &mut self,
        (name, span): (&str, Span),
        target: Option<&Node>,
        arguments: &[Node],
    ) -> Result<Typed, ExprError> {
        if let (Some(range), Some(kind)) = (target, macros::macro_by_name(name)) {
            return self.comprehension(kind, name, range, arguments);
        }
        let all: Vec<&Node> = target.into_iter().chain(arguments).collect();
        match (target, name, all.as_slice()) {
            (None, "has", [field]) => self.has(field),
            (None, "dyn", [value]) => self.value(value),
            (_, "size", [value]) => self.size(value),
            (_, "startsWith", [text, part]) => self.text_test(TextTest::StartsWith, text, part),
            (_, "endsWith", [text, part]) => self.text_test(TextTest::EndsWith, text, part),
            (_, "contains", [text, part]) => self.text_test(TextTest::Contains, text, part),
            (_, "matches", [text, pattern]) => self.matches(text, pattern),
            (Some(template), "format", [_, list]) => self.format(template, list),
            (_, "unique", [list]) => self.unique(list),
            (Some(time), _, [_]) if time_part(name).is_some() => self.time_part(name, span, time),
            (Some(text), _, [_]) if rewrite(name).is_some() => self.rewrite(name, span, text),
            (None, _, [value]) if CONVERSIONS.iter().any(|(known, ..)| *known == name) => {
                self.convert(name, span, value)
            }
            _ => self.function((name, span), &all),
        }
    }

    fn function(&mut self, (name, span): (&str, Span), nodes: &[&Node]) -> Result<Typed, ExprError> {
        let mut overloads = FUNCTIONS.iter().filter(|(known, ..)| *known == name).peekable();
        if overloads.peek().is_none() {
            return Err(self.unknown(name, span));
        }
        let values = nodes.iter().map(|node| self.value(node)).collect::<Result<Vec<Typed>, ExprError>>()?;
        let fits = |types: &[Type]| {
            types.len() == values.len() && types.iter().zip(&values).all(|(ty, value)| *ty == value.ty)
        };
        match overloads.find(|(.., types)| fits(types)) {
            Some((_, function, _)) => {
                let arguments = values.into_iter().map(|value| value.expr).collect();
                Ok(Typed::new(rule_expr(RuleExpr::Call { function: *function, arguments }), Type::Bool))
            }
            None => {
                let types: Vec<String> = values.iter().map(|value| self.type_name(&value.ty)).collect();
                Err(self.error(span, format!("there is no `{name}` for {}", types.join(" and "))))
            }
        }
    }

    fn unknown(&self, name: &str, span: Span) -> ExprError {
        let known = FUNCTIONS.iter().map(|(known, ..)| *known).chain(CONVERSIONS.iter().map(|(known, ..)| *known));
        let help = suggestion(name, known.chain(OTHERS));
        let help = help.unwrap_or_else(|| "docs/diagnostics.md lists what rules can call (RULE_INVALID)".to_owned());
        self.error(span, format!("there is no function {}, or none that takes these arguments: {help}", quote(name)))
    }

    fn convert(&mut self, name: &str, span: Span, node: &Node) -> Result<Typed, ExprError> {
        let value = self.value(node)?;
        let conversion = CONVERSIONS.iter().find(|(known, _, _, from)| *known == name && from.contains(&value.ty));
        let Some((_, function, ty, _)) = conversion else {
            let ty = self.type_name(&value.ty);
            return Err(self.error(span, format!("`{name}` does not convert {}, which is {ty}", self.quote(node))));
        };
        Ok(Typed::new(rule_expr(RuleExpr::Call { function: *function, arguments: vec![value.expr] }), ty.clone()))
    }

    fn size(&mut self, node: &Node) -> Result<Typed, ExprError> {
        let value = self.value(node)?;
        match value.ty {
            Type::String | Type::Bytes | Type::List(_) | Type::Map(..) => {
                Ok(Typed::new(Expr::Size(Box::new(value.expr)), Type::Int))
            }
            ty => {
                let ty = self.type_name(&ty);
                Err(self.error(node.span, format!("{} is {ty}, which has no size", self.quote(node))))
            }
        }
    }

    fn text_test(&mut self, test: TextTest, text: &Node, part: &Node) -> Result<Typed, ExprError> {
        let (one, other) = (self.value(text)?, self.value(part)?);
        match (&one.ty, &other.ty) {
            (Type::String, Type::String) | (Type::Bytes, Type::Bytes) => {
                let (text, part) = (Box::new(one.expr), Box::new(other.expr));
                Ok(Typed::new(Expr::TextTest { test, text, part }, Type::Bool))
            }
            (one, other) => {
                let (one, other) = (self.type_name(one), self.type_name(other));
                let message =
                    format!("{} is {one} and {} is {other}: both must be strings", self.quote(text), self.quote(part));
                Err(self.error(text.span, message))
            }
        }
    }

    fn matches(&mut self, text: &Node, pattern: &Node) -> Result<Typed, ExprError> {
        let value = self.text(text)?;
        let constant = self.value(pattern)?;
        let Expr::Const(crate::ir::Const::String(source)) = constant.expr else {
            let message = format!("{} is not a constant: a pattern is a text in quotes", self.quote(pattern));
            return Err(self.error(pattern.span, message));
        };
        let regex = RegexBuilder::new(&source).size_limit(MAX_RULE_PATTERN).build();
        let regex = regex.map_err(|error| self.error(pattern.span, format!("invalid regex pattern: {error}")))?;
        Ok(Typed::new(rule_expr(RuleExpr::Matches { text: value, regex: Arc::new(regex) }), Type::Bool))
    }

    fn unique(&mut self, node: &Node) -> Result<Typed, ExprError> {
        let value = self.value(node)?;
        match &value.ty {
            Type::List(element)
                if !matches!(**element, Type::Message(_) | Type::List(_) | Type::Map(..) | Type::Opaque) =>
            {
                let arguments = vec![value.expr];
                Ok(Typed::new(rule_expr(RuleExpr::Call { function: Function::Unique, arguments }), Type::Bool))
            }
            ty => {
                let ty = self.type_name(ty);
                let message = format!("{} is {ty}: `unique` needs a list of scalar values", self.quote(node));
                Err(self.error(node.span, message))
            }
        }
    }

    fn time_part(&mut self, name: &str, span: Span, node: &Node) -> Result<Typed, ExprError> {
        let time = self.value(node)?;
        let applies_to_duration = matches!(name, "getHours" | "getMinutes" | "getSeconds" | "getMilliseconds");
        match (time_part(name), &time.ty) {
            (Some(part), Type::Timestamp) => {
                Ok(Typed::new(Expr::TimePart { part, time: Box::new(time.expr) }, Type::Int))
            }
            (Some(part), Type::Duration) if applies_to_duration => {
                Ok(Typed::new(Expr::TimePart { part, time: Box::new(time.expr) }, Type::Int))
            }
            (_, ty) => {
                let ty = self.type_name(ty);
                Err(self.error(span, format!("{} is {ty}, which has no `{name}`", self.quote(node))))
            }
        }
    }

    fn rewrite(&mut self, name: &str, span: Span, node: &Node) -> Result<Typed, ExprError> {
        let text = Box::new(self.text(node)?);
        match rewrite(name) {
            Some(rewrite) => Ok(Typed::new(Expr::Rewrite { rewrite, text }, Type::String)),
            None => Err(self.unknown(name, span)),
        }
    }

    fn text(&mut self, node: &Node) -> Result<Expr, ExprError> {
        let value = self.value(node)?;
        if value.ty == Type::String {
            return Ok(value.expr);
        }
        let ty = self.type_name(&value.ty);
        let quoted = if matches!(node.kind, NodeKind::Literal(Literal::Bytes(_))) { ": leave out the `b`" } else { "" };
        Err(self.error(node.span, format!("{} is {ty} where a string is required{quoted}", self.quote(node))))
    }
}
