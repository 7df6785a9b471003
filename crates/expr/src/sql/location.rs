//! Locations of fields: columns, members of JSON, and elements.

use super::piece::{Binding, Builder, Piece};
use super::value::{Bounds, SqlType, Value, WhenNull, unwrapped_kind};
use super::{Compiler, unsupported};
use crate::ExprError;
use crate::ir::{Absent, Field, Root};
use groundplan_model::catalog::{IdFormat, Model};
use groundplan_model::shape::{self, Cardinality, FieldId, Kind, MapKey, ShapeId};
use groundplan_model::{quote, quote_literal};
use std::sync::Arc;

/// The variable of an `exists`, `all` or `exists_one`.
#[derive(Clone, Debug)]
pub(super) struct Variable {
    /// A scalar of a type, or a message of a shape as `jsonb`.
    pub(super) element: Element,
}

#[derive(Clone, Debug)]
pub(super) enum Element {
    Scalar(Value),
    Message(Piece, ShapeId),
}

/// An element that is a message.
pub(super) struct Message {
    pub(super) object: Piece,
    pub(super) shape: ShapeId,
    /// Guards in addition to the existence of the element.
    pub(super) guards: Vec<Piece>,
}

/// How a repeated field or a map is stored.
#[derive(Clone, Copy)]
pub(super) enum CollectionForm {
    /// An array with elements of a type.
    Array(SqlType, Kind),
    /// A JSON array.
    Json(Kind),
    /// A JSON object.
    Map(MapKey, Kind),
}

/// The location of a field.
#[derive(Clone, Debug)]
pub(super) enum FieldLocation<'s> {
    Column {
        alias: String,
        model: Arc<Model>,
        id: FieldId,
        field: &'s shape::Field,
    },
    /// A member of a JSON object.
    Member {
        object: Piece,
        field: &'s shape::Field,
    },
    /// A variable itself.
    Element(Value),
}

/// The location of a field, and guards that must hold or else reading it is an error.
pub(super) struct LocatedField<'s> {
    pub(super) location: FieldLocation<'s>,
    /// The guards of the keys and indexes on the path.
    pub(super) guards: Vec<Piece>,
    /// The condition that the containing element exists. If it does not hold, the field is NULL.
    pub(super) presence: Option<Piece>,
}

impl<'s> LocatedField<'s> {
    fn unguarded(location: FieldLocation<'s>) -> Self {
        Self { location, guards: Vec::new(), presence: None }
    }
}

impl<'a> Compiler<'a> {
    /// Locates a field. A related record must be joined.
    pub(super) fn locate(&mut self, field: &Field) -> Result<LocatedField<'a>, ExprError> {
        let shapes = &self.scope.catalog.shapes;
        let nowhere = || unsupported("a field that is read is nowhere: this is an internal error");
        let (located, rest) = match (&field.root, field.steps.split_first()) {
            (Root::Variable(level), steps) => {
                let variable = self.variables.get(*level).ok_or_else(nowhere)?;
                match (&variable.element, steps) {
                    (Element::Scalar(value), None) => {
                        return Ok(LocatedField::unguarded(FieldLocation::Element(value.clone())));
                    }
                    (Element::Message(object, shape), Some((first, rest))) => {
                        let location =
                            FieldLocation::Member { object: object.clone(), field: shapes.get(*shape).field(*first) };
                        (LocatedField::unguarded(location), rest)
                    }
                    _ => return Err(nowhere()),
                }
            }
            (Root::Element(element), Some((first, rest))) => {
                let Message { object, shape, guards } = self.message(element)?;
                let presence = Some(object.is("NOT NULL"));
                let location = FieldLocation::Member { object, field: shapes.get(shape).field(*first) };
                (LocatedField { location, guards, presence }, rest)
            }
            (Root::Record, Some((first, rest))) => {
                (LocatedField::unguarded(self.column("r", self.scope.model, *first)), rest)
            }
            (Root::Related { reference, model }, Some((first, rest))) => {
                let alias = self.alias_of(*reference).ok_or_else(nowhere)?;
                (LocatedField::unguarded(self.column(alias, model, *first)), rest)
            }
            (_, None) => return Err(nowhere()),
        };
        rest.iter().try_fold(located, |located, step| {
            let Kind::Message(shape) = located.location.kind().ok_or_else(nowhere)? else { return Err(nowhere()) };
            let location =
                FieldLocation::Member { object: located.location.stored(), field: shapes.get(shape).field(*step) };
            Ok(LocatedField { location, ..located })
        })
    }

    fn column(&self, alias: &str, model: &Arc<Model>, id: FieldId) -> FieldLocation<'a> {
        let field = self.scope.catalog.shapes.get(model.shape).field(id);
        FieldLocation::Column { alias: alias.to_owned(), model: Arc::clone(model), id, field }
    }

    /// Compiles a scalar field.
    pub(super) fn field(&mut self, field: &Field) -> Result<Value, ExprError> {
        let null = match field.absent {
            Absent::Zero => WhenNull::Zero,
            Absent::Null => WhenNull::Null,
            Absent::Error => WhenNull::Error,
        };
        let LocatedField { location, guards, presence } = self.locate(field)?;
        let value = match location {
            FieldLocation::Element(value) => value,
            FieldLocation::Member { object, field } => {
                value_from_text(&member(&object, "->>", field), field.kind)?.with_null(null)
            }
            location @ FieldLocation::Column { .. } => location.column_value(null)?,
        };
        Ok(value.in_element(guards, presence))
    }
}

impl FieldLocation<'_> {
    fn kind(&self) -> Option<Kind> {
        match self {
            Self::Column { field, .. } | Self::Member { field, .. } => Some(field.kind),
            Self::Element(_) => None,
        }
    }

    /// Returns the stored value: a column, or a `jsonb` inside a column.
    pub(super) fn stored(&self) -> Piece {
        match self {
            Self::Column { alias, field, .. } => Piece::atom(format!("{alias}.{}", quote(&field.storage_name))),
            Self::Member { object, field } => member(object, "->", field),
            Self::Element(value) => value.piece.clone(),
        }
    }

    /// Returns the value as text.
    pub(super) fn text(&self) -> Piece {
        match self {
            Self::Member { object, field } => member(object, "->>", field),
            _ => self.stored(),
        }
    }

    fn column_value(&self, null: WhenNull) -> Result<Value, ExprError> {
        let Self::Column { model, id, field, .. } = self else {
            return Err(unsupported("a field is not a column: this is an internal error"));
        };
        let roles = &model.roles;
        if roles.etag == Some(*id) {
            return Err(unsupported(format!(
                "`{}` is computed when a record is read, so expressions cannot read it",
                field.name
            )));
        }
        let reference = model.reference(*id);
        let is_id = *id == roles.id;
        let is_time = Some(*id) == roles.created_at || Some(*id) == roles.updated_at;
        let is_implicit = field.cardinality == Cardinality::Implicit && reference.is_none();
        let id_format = if is_id { Some(model.id_format) } else { reference.map(|reference| reference.target_ids) };
        let ty = match id_format {
            Some(IdFormat::UuidV7) => SqlType::Uuid,
            _ => SqlType::from_kind(field.kind)
                .ok_or_else(|| unsupported(format!("`{}` is not a single value", field.name)))?,
        };
        let value = Value::new(self.stored(), ty).with_bounds(Bounds::from_kind(field.kind));
        Ok(Value {
            null: if is_id || is_time || is_implicit { WhenNull::Never } else { null },
            is_column: true,
            is_reference: reference.is_some(),
            ..value
        })
    }
}

/// Returns a member of a JSON object.
fn member(object: &Piece, operator: &str, field: &shape::Field) -> Piece {
    let key = Piece::atom(quote_literal(&field.storage_name));
    Piece::operation(object, operator, &key, Binding::Other)
}

/// Converts the text of a JSON value.
pub(super) fn value_from_text(text: &Piece, kind: Kind) -> Result<Value, ExprError> {
    let ty = SqlType::from_kind(kind)
        .ok_or_else(|| unsupported("a message has no single value: this is an internal error"))?;
    let piece = match (unwrapped_kind(kind), ty) {
        (_, SqlType::Text) => text.clone(),
        (_, SqlType::Bytea) => Piece::call("decode", &[text, &Piece::atom("'base64'")]),
        // JSON has only the digits that a float needs, which is a different number as a double.
        (Kind::Float, _) => text.cast("float4").cast("float8"),
        _ => text.cast(ty.name()),
    };
    Ok(Value::new(piece, ty).with_bounds(Bounds::from_kind(kind)))
}

/// Returns `FROM rows AS alias(v)`, and the column.
pub(super) fn from_rows(source: &Piece, alias: &str) -> (Piece, Piece) {
    let from = Builder::default().text(" FROM ").operand(source, Binding::Atom).text(" AS ").text(alias).text("(v)");
    (from.finish(Binding::Atom), Piece::atom(format!("{alias}.v")))
}
