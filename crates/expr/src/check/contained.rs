//! Checks `in`.

use super::compare::is_number;
use super::{Checker, Typed};
use crate::ExprError;
use crate::ir::{Absent, Const, Expr, Field, Type};
use crate::parse::{Node, NodeKind};

impl Checker<'_> {
    /// `value in list`.
    pub(super) fn contained(&mut self, value: &Node, list: &Node) -> Result<Typed, ExprError> {
        if let NodeKind::List(items) = &list.kind {
            return self.one_of(value, list, items);
        }
        let collection = self.value(list)?;
        let element = match (&collection.ty, &collection.expr) {
            (Type::List(element), Expr::Field(_)) => element.as_ref().clone(),
            (Type::Map(key, _), Expr::Field(_)) => Type::from_map_key(*key),
            (Type::String, _) => {
                let message = format!(
                    "{} is a string: write `{}.contains(…)`",
                    self.quote(list),
                    self.quote(list).trim_matches('`')
                );
                return Err(self.error(list.span, message));
            }
            (ty, _) => {
                let ty = self.type_name(ty);
                let message =
                    format!("{} is {ty}: `in` takes a list, a map, or constants, as in `in [1, 2]`", self.quote(list));
                return Err(self.error(list.span, message));
            }
        };
        if matches!(element, Type::Message(_) | Type::Opaque) {
            let inner = self.quote(list);
            let message = format!(
                "the elements of {inner} are messages: write `{}.exists(x, x.… == …)`",
                inner.trim_matches('`')
            );
            return Err(self.error(list.span, message));
        }
        let checked = self.expecting(&element, value)?;
        let checked = self.adapt(value, checked, &element)?;
        if checked.ty != element {
            let message = format!(
                "{} is {}, and {} holds elements of another type: {}",
                self.quote(value),
                self.type_name(&checked.ty),
                self.quote(list),
                self.type_name(&element)
            );
            return Err(self.error(value.span, message));
        }
        match collection.expr {
            Expr::Field(list) => Ok(Typed::new(element_of(checked.expr, list), Type::Bool)),
            _ => Err(self.error(list.span, "`in` takes a field")),
        }
    }

    /// Checks a value of an expected type, which can be an enum with names of values.
    fn expecting(&mut self, ty: &Type, node: &Node) -> Result<Typed, ExprError> {
        let outer = self.expected;
        if let Type::Enum(id) = ty {
            self.expected = Some(*id);
        }
        let value = self.value(node);
        self.expected = outer;
        value
    }

    fn one_of(&mut self, value: &Node, list: &Node, items: &[Node]) -> Result<Typed, ExprError> {
        let checked = self.value(value)?;
        self.require_scalar(value, &checked.ty)?;
        if items.is_empty() {
            return Err(self.error(list.span, "the list is empty, so nothing is in it: leave the condition out"));
        }
        let mut constants = Vec::with_capacity(items.len());
        for item in items {
            constants.push(self.item(value, &checked, item)?);
        }
        Ok(Typed::new(Expr::OneOf { value: Box::new(checked.expr), constants }, Type::Bool))
    }

    /// Checks an item of a list of constants, and converts it to the value's type.
    fn item(&mut self, value: &Node, checked: &Typed, item: &Node) -> Result<Const, ExprError> {
        let item_value = self.expecting(&checked.ty, item)?;
        if item_value.ty == Type::Null {
            let written = self.quote(value);
            let message = match &checked.expr {
                Expr::Field(field) if field.absent == Absent::Null => {
                    format!("null is not looked for in a list: write `{} == null`", written.trim_matches('`'))
                }
                _ => format!("{written} is never null: leave it out"),
            };
            return Err(self.error(item.span, message));
        }
        let item_value = self.adapt(item, item_value, &checked.ty)?;
        let Some(constant) = item_value.constant() else {
            let message = format!(
                "{} is not a constant: compare it with `==`, and join the comparisons with `||`",
                self.quote(item)
            );
            return Err(self.error(item.span, message));
        };
        if item_value.ty == checked.ty {
            return Ok(constant.clone());
        }
        if is_number(&item_value.ty) && is_number(&checked.ty) {
            let message = format!(
                "{} is never equal to {}: it is {}",
                self.quote(value),
                self.quote(item),
                self.type_name(&checked.ty)
            );
            return Err(self.error(item.span, message));
        }
        Err(self.mismatch((value, checked), (item, &item_value)))
    }
}

/// Returns `value in field`.
pub(super) fn element_of(value: Expr, list: Field) -> Expr {
    Expr::ElementOf { value: Box::new(value), list }
}
