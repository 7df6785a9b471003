//! Compiles repeated fields and maps, which are arrays or JSON.

use super::condition::{Condition, Guarded};
use super::element::key;
use super::location::{CollectionForm, Element, FieldLocation, LocatedField, from_rows, value_from_text};
use super::piece::{Binding, Builder, Piece};
use super::value::{Bounds, SqlType, Value, WhenNull};
use super::values::COUNT;
use super::{Compiler, Mode, Slot, constant, unsupported};
use crate::ExprError;
use crate::ir::{Comparison, Const, Expr, Field, Type};
use groundplan_model::shape::Kind;

/// A repeated field or a map.
pub(super) struct Collection {
    pub(super) piece: Piece,
    /// Whether it can be NULL, which means empty.
    nullable: bool,
    pub(super) form: CollectionForm,
    /// Guards for the keys on the path that must hold or else reading it is an error.
    pub(super) guards: Vec<Piece>,
    /// The condition that the containing element exists. If it does not hold, the collection is NULL.
    presence: Option<Piece>,
}

impl Compiler<'_> {
    pub(super) fn collection(&mut self, list: &Field) -> Result<Collection, ExprError> {
        let LocatedField { location, guards, presence } = self.locate(list)?;
        let kind = list.kind.ok_or_else(|| unsupported("a list has no kind: this is an internal error"))?;
        let is_column = matches!(location, FieldLocation::Column { .. });
        let form = match &list.ty {
            Type::Map(key, _) => CollectionForm::Map(*key, kind),
            _ => match array_element(kind).filter(|_| is_column) {
                Some(element) => CollectionForm::Array(element, kind),
                None => CollectionForm::Json(kind),
            },
        };
        Ok(Collection { piece: location.stored(), nullable: !is_column, form, guards, presence })
    }

    /// Compiles `size` of a repeated field or a map.
    pub(super) fn length(&mut self, list: &Field) -> Result<Value, ExprError> {
        let collection = self.collection(list)?;
        let null = if collection.nullable { WhenNull::Zero } else { WhenNull::Never };
        let (piece, ty, null) = match collection.form {
            CollectionForm::Array(..) => (Piece::call("cardinality", &[&collection.piece]), SqlType::Integer, null),
            CollectionForm::Json(_) => {
                (Piece::call("jsonb_array_length", &[&collection.piece]), SqlType::Integer, null)
            }
            CollectionForm::Map(..) => {
                let keys = Piece::call("jsonb_object_keys", &[&collection.piece]);
                let builder = Builder::default().text("(SELECT count(*) FROM ").operand(&keys, Binding::Atom);
                (builder.text(")").finish(Binding::Atom), SqlType::Bigint, WhenNull::Never)
            }
        };
        Ok(Value::new(piece, ty).with_bounds(COUNT).with_null(null).in_element(collection.guards, collection.presence))
    }

    /// Compiles `value in list` or `key in map`.
    pub(super) fn element_of(
        &mut self,
        value: &Expr,
        list: &Field,
        negated: bool,
        mode: Mode,
    ) -> Result<Guarded, ExprError> {
        let collection = self.collection(list)?;
        if let Expr::Const(constant) = value {
            if matches!(constant, Const::Null) || matches!(constant, Const::Double(number) if number.is_nan()) {
                return Ok((Condition::Known(Some(negated)), collection.all_guards()));
            }
            if let CollectionForm::Array(element, _) = collection.form {
                return Ok((contains(&collection.piece, constant, element, negated)?, collection.all_guards()));
            }
        }
        let value = self.value(value)?.normalized();
        // A missing list contains nothing.
        let is_strict = mode == Mode::Where && !negated;
        let list_guards = if is_strict { collection.guards.clone() } else { collection.all_guards() };
        let guards = value.guards.iter().cloned().chain(list_guards).collect();
        let member = match collection.form {
            CollectionForm::Map(..) => {
                let entry = Piece::operation(&collection.piece, "->", &key(&value), Binding::Other);
                entry.is(if negated { "NULL" } else { "NOT NULL" })
            }
            _ => {
                let member = self.is_element(&value, &collection)?;
                if negated { member.not() } else { member }
            }
        };
        let condition = match (value.null, mode) {
            (WhenNull::Never | WhenNull::Zero, _) => Condition::never_null(member),
            // NULL is not equal to any element, and this is never an error.
            (WhenNull::Null, _) if negated => Condition::never_null(member.or(value.piece.is("NULL"))),
            (WhenNull::Error, Mode::Where) if negated => Condition::may_be_null(value.piece.is("NOT NULL").and(member)),
            (_, Mode::Where) => Condition::may_be_null(member),
            (WhenNull::Null, Mode::Exact) => Condition::never_null(value.piece.is("NOT NULL").and(member)),
            (WhenNull::Error, Mode::Exact) => Condition::may_be_null(member.when(&value.piece.is("NOT NULL"))),
        };
        Ok((condition, guards))
    }

    /// Returns `value = ANY(list)`.
    fn is_element(&self, value: &Value, collection: &Collection) -> Result<Piece, ExprError> {
        let elements = match collection.form {
            CollectionForm::Array(..) => Piece::call("ANY", &[&collection.piece]),
            _ => {
                let (from, element) = self.elements(collection)?;
                let Element::Scalar(element) = element else {
                    return Err(unsupported("a message is in no list: this is an internal error"));
                };
                let builder = Builder::default().text("ANY (SELECT ").operand(&element.piece, Binding::Or);
                builder.operand(&from, Binding::Or).text(")").finish(Binding::Atom)
            }
        };
        let member = Piece::comparison(&value.piece, " = ", &elements);
        let is_finite = matches!(value.bounds, Bounds::Real { finite: true, .. });
        if value.ty != SqlType::Double || is_finite {
            return Ok(member);
        }
        Ok(member.and(Comparison::Less.piece(&value.piece, &Piece::atom("'NaN'"), SqlType::Double)))
    }

    /// Returns `FROM elements AS e(v)`, and the element.
    pub(super) fn elements(&self, collection: &Collection) -> Result<(Piece, Element), ExprError> {
        let alias = super::numbered("e", self.variables.len());
        let call = |function: &str| from_rows(&Piece::call(function, &[&collection.piece]), &alias);
        Ok(match collection.form {
            CollectionForm::Array(ty, kind) => {
                let (from, element) = call("unnest");
                (from, Element::Scalar(Value::new(element, ty).with_bounds(Bounds::from_kind(kind))))
            }
            CollectionForm::Json(Kind::Message(shape)) => {
                let (from, element) = call("jsonb_array_elements");
                (from, Element::Message(element, shape))
            }
            CollectionForm::Json(kind) => {
                let (from, element) = call("jsonb_array_elements_text");
                (from, Element::Scalar(value_from_text(&element, kind)?))
            }
            CollectionForm::Map(key, _) => {
                let (from, element) = call("jsonb_object_keys");
                (from, Element::Scalar(value_from_text(&element, key.kind())?))
            }
        })
    }
}

impl Collection {
    /// Returns all guards that must hold or else reading it is an error.
    pub(super) fn all_guards(&self) -> Vec<Piece> {
        self.guards.iter().chain(&self.presence).cloned().collect()
    }
}

/// Returns `list @> array`, which an index of elements serves.
fn contains(list: &Piece, constant: &Const, element: SqlType, negated: bool) -> Result<Condition, ExprError> {
    let slot = match (element, constant) {
        (SqlType::Numeric, Const::Uint(number)) => Some(Slot::Numeric(*number)),
        (SqlType::Bigint, Const::Uint(number)) => i64::try_from(*number).ok().map(Slot::Bigint),
        (_, constant) => Some(constant::slot(constant)?.0),
    };
    let Some(slot) = slot else { return Ok(Condition::Known(Some(negated))) };
    let array = Piece::typed(Slot::Array(vec![slot]), &format!("{}[]", element.name()));
    let piece = Piece::operation(list, " @> ", &array, Binding::Other);
    Ok(Condition::never_null(if negated { piece.not() } else { piece }))
}

fn array_element(kind: Kind) -> Option<SqlType> {
    match kind {
        Kind::Bool | Kind::Integer(_) | Kind::Float | Kind::Double | Kind::String | Kind::Bytes | Kind::Enum(_) => {
            SqlType::from_kind(kind)
        }
        _ => None,
    }
}
