//! Checks `exists`, `all` and `exists_one`.

use super::{Checker, Typed, Variable};
use crate::ExprError;
use crate::ir::{Absent, Expr, Field, Quantifier, Root, Type};
use crate::limits::MAX_NESTED_QUANTIFIERS;
use crate::parse::{Node, NodeKind};

impl Checker<'_> {
    pub(super) fn quantified(
        &mut self,
        quantifier: Quantifier,
        list_node: &Node,
        variable: &Node,
        condition: &Node,
    ) -> Result<Typed, ExprError> {
        let name = match quantifier {
            Quantifier::Exists => "exists",
            Quantifier::All => "all",
            Quantifier::ExistsOne => "exists_one",
        };
        if matches!(list_node.kind, NodeKind::List(_)) {
            let message =
                format!("`{name}` searches a field: write `value in {}`", self.quote(list_node).trim_matches('`'));
            return Err(self.error(list_node.span, message));
        }
        let value = self.value(list_node)?;
        let (list, element, kind) = match (value.ty, value.expr) {
            (Type::List(element), Expr::Field(list)) => {
                let kind = list.kind;
                (list, *element, kind)
            }
            (Type::Map(key, _), Expr::Field(map)) => (map, Type::from_map_key(key), None),
            (ty, _) => {
                let ty = self.type_name(&ty);
                let message =
                    format!("{} is {ty}: `{name}` searches lists, and the keys of maps", self.quote(list_node));
                return Err(self.error(list_node.span, message));
            }
        };
        let NodeKind::Name(variable_name) = &variable.kind else {
            let message = format!("{} is not a name: write `{name}(x, condition of x)`", self.quote(variable));
            return Err(self.error(variable.span, message));
        };
        let level = self.variables.len();
        if level >= MAX_NESTED_QUANTIFIERS {
            let help = if self.purpose.is_formula() { "ask for less" } else { "use several requests" };
            let message = format!(
                "`{name}` is nested in {level} others; at most {MAX_NESTED_QUANTIFIERS} levels are allowed, because each iterates over the \
                 elements of all enclosing ones: {help}"
            );
            return Err(self.error(list_node.span, message));
        }
        let absent = match element {
            Type::Timestamp | Type::Duration => Absent::Error,
            _ => Absent::Zero,
        };
        let field = Field { root: Root::Variable(level), steps: Vec::new(), ty: element, kind, absent };
        self.variables.push(Variable { name: variable_name.clone(), field });
        let condition = self.condition(condition);
        self.variables.pop();
        let condition = Box::new(condition?);
        Ok(Typed::new(Expr::Quantified { quantifier, list, level, condition }, Type::Bool))
    }
}
