//! Compiles single elements of lists and maps.

use super::location::{CollectionForm, Message, value_from_text};
use super::piece::{Binding, Builder, Piece};
use super::value::{Bounds, SqlType, Value, WhenNull};
use super::{Compiler, Slot, unsupported};
use crate::ExprError;
use crate::ir::{Const, Expr, Field};
use groundplan_model::shape::Kind;

/// An element: NULL if it does not exist, which is an error.
struct TakenElement {
    piece: Piece,
    form: CollectionForm,
    /// Guards that must hold or else the key or the index is an error.
    guards: Vec<Piece>,
}

impl Compiler<'_> {
    /// Compiles `map[key]`: NULL if it does not exist.
    pub(super) fn map_value(&mut self, map: &Field, key: &Expr) -> Result<Value, ExprError> {
        self.entry(map, key, "->>")?.value()
    }

    /// Compiles `list[index]`: NULL if it does not exist.
    pub(super) fn list_item(&mut self, list: &Field, index: &Expr) -> Result<Value, ExprError> {
        self.item(list, index, "->>")?.value()
    }

    /// Compiles a message element of a map or a list.
    pub(super) fn message(&mut self, element: &Expr) -> Result<Message, ExprError> {
        let taken = match element {
            Expr::MapValue { map, key, .. } => self.entry(map, key, "->")?,
            Expr::ListItem { list, index, .. } => self.item(list, index, "->")?,
            _ => return Err(unsupported("a message is in no list: this is an internal error")),
        };
        match taken.form {
            CollectionForm::Json(Kind::Message(shape)) | CollectionForm::Map(_, Kind::Message(shape)) => {
                Ok(Message { object: taken.piece, shape, guards: taken.guards })
            }
            _ => Err(unsupported("a value has no fields: this is an internal error")),
        }
    }

    fn entry(&mut self, map: &Field, key_expr: &Expr, operator: &str) -> Result<TakenElement, ExprError> {
        let collection = self.collection(map)?;
        let key_value = self.value(key_expr)?.normalized();
        let piece = Piece::operation(&collection.piece, operator, &key(&key_value), Binding::Other);
        let guards = collection.guards.into_iter().chain(key_value.guards).collect();
        Ok(TakenElement { piece, form: collection.form, guards })
    }

    fn item(&mut self, list: &Field, index: &Expr, operator: &str) -> Result<TakenElement, ExprError> {
        let collection = self.collection(list)?;
        let is_array = matches!(collection.form, CollectionForm::Array(..));
        let (index, index_guards, in_list) = match index {
            Expr::Const(Const::Int(index)) => {
                // Lists are never longer than the largest integer, so that index does not exist. Arrays count from one.
                let index = i32::try_from(*index).ok().filter(|index| (0..i32::MAX).contains(index));
                let index = index.unwrap_or(i32::MAX - 1);
                let position = if is_array { index + 1 } else { index };
                (Piece::typed(Slot::Integer(position), "integer"), Vec::new(), None)
            }
            index => {
                let value = self.value(index)?.normalized();
                let (least, most) = value.range();
                let is_inside = least >= 0 && most < i128::from(i32::MAX);
                let position = if is_array {
                    Piece::operation(&value.piece, " + ", &Piece::atom("1"), Binding::Add)
                } else {
                    value.piece.clone()
                };
                let in_list = if is_inside { None } else { Some(index_guard(&value.piece)) };
                (position.cast("integer"), value.guards, in_list)
            }
        };
        let item = if is_array {
            let builder = Builder::default().operand(&collection.piece, Binding::Atom);
            builder.text("[").operand(&index, Binding::Or).text("]").finish(Binding::Atom)
        } else {
            Piece::operation(&collection.piece, operator, &index, Binding::Other)
        };
        let piece = match in_list {
            Some(in_list) => item.when(&in_list),
            None => item,
        };
        let guards = collection.guards.into_iter().chain(index_guards).collect();
        Ok(TakenElement { piece, form: collection.form, guards })
    }
}

impl TakenElement {
    /// Returns the element as a scalar.
    fn value(self) -> Result<Value, ExprError> {
        let value = match self.form {
            CollectionForm::Array(ty, kind) => Value::new(self.piece, ty).with_bounds(Bounds::from_kind(kind)),
            CollectionForm::Json(kind) | CollectionForm::Map(_, kind) => value_from_text(&self.piece, kind)?,
        };
        Ok(Value { guards: self.guards, ..value.with_null(WhenNull::Error) })
    }
}

/// Returns the condition that an index is valid: others are out of PostgreSQL's range, or count from the end.
fn index_guard(index: &Piece) -> Piece {
    let limits = format!(" BETWEEN 0 AND {}", i32::MAX - 1);
    Builder::default().operand(index, Binding::Other).text(&limits).finish(Binding::Like)
}

/// Returns the key of a JSON object as text.
pub(super) fn key(value: &Value) -> Piece {
    if let ([slot], SqlType::Bigint | SqlType::Numeric | SqlType::Boolean) = (value.piece.slots.as_slice(), value.ty)
        && value.piece.text.strip_prefix("?::") == Some(value.ty.name())
    {
        let text = match slot {
            Slot::Bigint(number) => Some(number.to_string()),
            Slot::Numeric(number) => Some(number.to_string()),
            Slot::Boolean(value) => Some(value.to_string()),
            _ => None,
        };
        if let Some(text) = text {
            return Piece::typed(Slot::Text(text), "text");
        }
    }
    if value.ty == SqlType::Text { value.piece.clone() } else { value.piece.cast("text") }
}
