//! Checks `all`, `exists`, `exists_one`, `map` and `filter`.

use super::{RuleChecker, Typed, rule_expr};
use crate::ExprError;
use crate::ir::{Expr, Macro, RuleExpr, Type};
use crate::limits::MAX_NESTED_MACROS;
use crate::parse::{Node, NodeKind};

/// Returns the macro with a name.
pub(super) fn macro_by_name(name: &str) -> Option<Macro> {
    Some(match name {
        "all" => Macro::All,
        "exists" => Macro::Exists,
        "exists_one" | "existsOne" => Macro::ExistsOne,
        "map" => Macro::Map,
        "filter" => Macro::Filter,
        _ => return None,
    })
}

impl RuleChecker<'_> {
    /// Checks a macro over a list or the keys of a map.
    pub(super) fn comprehension(
        &mut self,
        kind: Macro,
        name: &str,
        range: &Node,
        arguments: &[Node],
    ) -> Result<Typed, ExprError> {
        let (variable, condition, body) = match (kind, arguments) {
            (Macro::Map, [variable, body]) => (variable, None, Some(body)),
            (Macro::Map, [variable, condition, body]) => (variable, Some(condition), Some(body)),
            (Macro::All | Macro::Exists | Macro::ExistsOne | Macro::Filter, [variable, condition]) => {
                (variable, Some(condition), None)
            }
            _ => return Err(self.error(range.span, format!("write `list.{name}(x, …)`, where `x` is an element"))),
        };
        let NodeKind::Name(variable) = &variable.kind else {
            return Err(self.error(variable.span, "a name for the element is required here, such as `x`"));
        };
        if self.variables.len() > MAX_NESTED_MACROS {
            let message =
                format!("at most {MAX_NESTED_MACROS} of `all`, `exists`, `map` and similar macros can be nested");
            return Err(self.error(range.span, message));
        }
        let collection = self.value(range)?;
        let element = match &collection.ty {
            Type::List(element) => (**element).clone(),
            Type::Map(key, _) => Type::from_map_key(*key),
            ty => {
                let ty = self.type_name(ty);
                let message = format!("{} is {ty}: `{name}` needs a list or a map", self.quote(range));
                return Err(self.error(range.span, message));
            }
        };
        self.variables.push((variable.clone(), element.clone()));
        let checked = self.check_arguments(condition, body);
        self.variables.pop();
        let (condition, body) = checked?;
        let ty = match (kind, &body) {
            (Macro::Map, Some(body)) => Type::List(Box::new(body.ty.clone())),
            (Macro::Filter, _) => Type::List(Box::new(element)),
            _ => Type::Bool,
        };
        let body = body.map(|body| body.expr);
        Ok(Typed::new(rule_expr(RuleExpr::Macro { kind, range: collection.expr, condition, body }), ty))
    }

    fn check_arguments(
        &mut self,
        condition: Option<&Node>,
        body: Option<&Node>,
    ) -> Result<(Option<Expr>, Option<Typed>), ExprError> {
        let condition = condition.map(|condition| self.condition(condition)).transpose()?;
        let body = body.map(|body| self.value(body)).transpose()?;
        Ok((condition, body))
    }
}
