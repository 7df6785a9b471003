//! Checks indexes of lists and keys of maps.

use super::{Checker, Typed};
use crate::ExprError;
use crate::ir::{Const, Expr, Type};
use crate::parse::Node;
use groundplan_model::shape::MapKey;

impl Checker<'_> {
    /// Checks `list[index]` and `map[key]`.
    pub(super) fn index(&mut self, operand: &Node, index: &Node) -> Result<Typed, ExprError> {
        let collection = self.value(operand)?;
        let key = self.value(index)?;
        match (collection.ty, collection.expr) {
            (Type::List(element), Expr::Field(list)) => {
                let key = self.adapt(index, key, &Type::Int)?;
                self.check_index(index, &key)?;
                self.readable(operand, &element)?;
                let ty = *element;
                Ok(Typed::new(Expr::ListItem { list, index: Box::new(key.expr), ty: ty.clone() }, ty))
            }
            (Type::Map(key_type, value), Expr::Field(map)) => {
                let key = self.key(index, key, key_type)?;
                let ty = *value;
                Ok(Typed::new(Expr::MapValue { map, key: Box::new(key), ty: ty.clone() }, ty))
            }
            (ty, _) => {
                let ty = self.type_name(&ty);
                Err(self.error(operand.span, format!("{} is {ty}: `[…]` follows a list or a map", self.quote(operand))))
            }
        }
    }

    fn check_index(&self, node: &Node, index: &Typed) -> Result<(), ExprError> {
        match (&index.ty, index.constant()) {
            (Type::Int, Some(Const::Int(..=-1))) => Err(self.error(node.span, "the first index of a list is 0")),
            (Type::Int, _) => Ok(()),
            (ty, _) => {
                let ty = self.type_name(ty);
                Err(self.error(node.span, format!("{} is {ty}: the index of a list is an int", self.quote(node))))
            }
        }
    }

    fn key(&self, node: &Node, key: Typed, key_type: MapKey) -> Result<Expr, ExprError> {
        let expected = Type::from_map_key(key_type);
        let key = self.adapt(node, key, &expected)?;
        if key.ty == expected {
            return Ok(key.expr);
        }
        let (ty, expected) = (self.type_name(&key.ty), self.type_name(&expected));
        Err(self.error(node.span, format!("{} is {ty}: each key of this map is {expected}", self.quote(node))))
    }

    /// Rejects elements that expressions cannot read.
    fn readable(&self, list: &Node, element: &Type) -> Result<(), ExprError> {
        if *element != Type::Opaque {
            return Ok(());
        }
        let written = self.quote(list);
        let message = format!(
            "the elements of {written} are {}: write `size({})`",
            self.type_name(element),
            written.trim_matches('`')
        );
        Err(self.error(list.span, message))
    }
}
