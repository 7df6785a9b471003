//! Checks functions of values.

use super::names::Meaning;
use super::{Checker, Typed, contained};
use crate::ExprError;
use crate::ir::{Absent, Expr, Field, Root, TextTest, TimePart, Type};
use crate::parse::{Literal, Node, NodeKind, Span};
use crate::pattern;

impl Checker<'_> {
    /// Checks `has(field)`. For a value of a map, it tests the key.
    pub(super) fn has(&mut self, node: &Node) -> Result<Typed, ExprError> {
        let expr = match self.resolve(node)? {
            Meaning::Field(field) if field.steps.is_empty() => {
                let message = format!("{} is an element, which always exists: leave it out", self.quote(node));
                return Err(self.error(node.span, message));
            }
            Meaning::Field(field) => Expr::Has(field),
            Meaning::Reference(id) => Expr::Has(Field {
                root: Root::Record,
                steps: vec![id],
                ty: Type::String,
                kind: Some(self.scope.model.shape().field(id).kind),
                absent: Absent::Zero,
            }),
            Meaning::Value(Typed { expr: Expr::MapValue { map, key, .. }, .. }) => contained::element_of(*key, map),
            Meaning::Value(Typed { expr: Expr::ListItem { .. }, .. }) => {
                let message = format!(
                    "{} is an item of a list, and `has` takes fields and keys: compare the size of the list",
                    self.quote(node)
                );
                return Err(self.error(node.span, message));
            }
            Meaning::Value(_) | Meaning::Record => {
                let message = format!("{} is not a field: `has` takes the name of a field", self.quote(node));
                return Err(self.error(node.span, message));
            }
        };
        Ok(Typed::new(expr, Type::Bool))
    }

    pub(super) fn size(&mut self, node: &Node) -> Result<Typed, ExprError> {
        let value = self.value(node)?;
        match value.ty {
            Type::String | Type::Bytes | Type::List(_) | Type::Map(..) => {
                Ok(Typed::new(Expr::Size(Box::new(value.expr)), Type::Int))
            }
            ty => {
                let ty = self.type_name(&ty);
                let message =
                    format!("{} is {ty}, which has no size: strings, bytes, lists and maps have one", self.quote(node));
                Err(self.error(node.span, message))
            }
        }
    }

    pub(super) fn text_test(&mut self, test: TextTest, text: &Node, part: &Node) -> Result<Typed, ExprError> {
        let name = match test {
            TextTest::StartsWith => "startsWith",
            TextTest::EndsWith => "endsWith",
            TextTest::Contains => "contains",
        };
        let text = self.text(text, name)?;
        let part = self.text(part, name)?;
        Ok(Typed::new(Expr::TextTest { test, text: Box::new(text), part: Box::new(part) }, Type::Bool))
    }

    /// Checks a string argument of a function.
    pub(super) fn text(&mut self, node: &Node, function: &str) -> Result<Expr, ExprError> {
        let value = self.value(node)?;
        let written = self.quote(node);
        let help = match &value.ty {
            Type::String => return Ok(value.expr),
            Type::List(_) if function == "contains" => format!(": write `… in {}`", written.trim_matches('`')),
            Type::List(_) => format!(": write `{}.exists(x, x.{function}(…))`", written.trim_matches('`')),
            Type::Int | Type::Uint => format!(": convert it, as in `string({})`", written.trim_matches('`')),
            _ => String::new(),
        };
        let ty = self.type_name(&value.ty);
        Err(self.error(node.span, format!("{written} is {ty}, and `{function}` takes strings{help}")))
    }

    pub(super) fn matches(&mut self, text: &Node, pattern: &Node) -> Result<Typed, ExprError> {
        let text = self.text(text, "matches")?;
        let NodeKind::Literal(Literal::String(source)) = &pattern.kind else {
            let message = format!(
                "{} is not a literal: write the pattern in quotes, as in `matches(r\"^\\d+$\")`",
                self.quote(pattern)
            );
            return Err(self.error(pattern.span, message));
        };
        let pattern = pattern::compile(source).map_err(|message| self.error(pattern.span, message))?;
        Ok(Typed::new(Expr::Matches { text: Box::new(text), pattern }, Type::Bool))
    }

    pub(super) fn time_part(
        &mut self,
        part: TimePart,
        (name, span): (&str, Span),
        time: &Node,
        arguments: &[Node],
    ) -> Result<Typed, ExprError> {
        if let Some(zone) = arguments.first() {
            return Err(
                self.error(zone.span, format!("parts of times are in UTC here: write `{name}()`, without a zone"))
            );
        }
        let value = self.value(time)?;
        match value.ty {
            Type::Timestamp => Ok(Typed::new(Expr::TimePart { part, time: Box::new(value.expr) }, Type::Int)),
            Type::Duration => {
                let message = format!("{} is a duration: compare it with one, such as `\"1h30m\"`", self.quote(time));
                Err(self.error(time.span, message))
            }
            ty => {
                let ty = self.type_name(&ty);
                Err(self.error(span, format!("{} is {ty}, and `{name}` takes a timestamp", self.quote(time))))
            }
        }
    }
}
