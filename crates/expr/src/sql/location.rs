//! Where fields are: columns, members of JSON, and elements.

use super::piece::{Binding, Builder, Piece};
use super::value::{Bounds, SqlType, Value, WhenNull, bare};
use super::{Compiler, refuse};
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
    /// What must hold beside its being there.
    pub(super) guards: Vec<Piece>,
}

/// How a repeated field or a map is stored.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// An array with elements of a type.
    Array(SqlType, Kind),
    /// A JSON array.
    Json(Kind),
    /// A JSON object.
    Map(MapKey, Kind),
}

/// Where a field is.
#[derive(Clone, Debug)]
pub(super) enum Place<'s> {
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

/// Where a field is, and what must hold, or else reading it is an error.
pub(super) struct Found<'s> {
    pub(super) place: Place<'s>,
    /// Of the keys and indexes on the way.
    pub(super) guards: Vec<Piece>,
    /// That the element is there in which it is. Where it is not, the field is NULL.
    pub(super) presence: Option<Piece>,
}

impl<'s> Found<'s> {
    fn at(place: Place<'s>) -> Self {
        Self { place, guards: Vec::new(), presence: None }
    }
}

impl<'a> Compiler<'a> {
    /// Finds a field. What it is related to must be joined.
    pub(super) fn place(&mut self, field: &Field) -> Result<Found<'a>, ExprError> {
        let shapes = &self.scope.catalog.shapes;
        let nowhere = || refuse("a field that is read is nowhere: this is a fault of ours");
        let (found, rest) = match (&field.root, field.steps.split_first()) {
            (Root::Variable(level), steps) => {
                let variable = self.variables.get(*level).ok_or_else(nowhere)?;
                match (&variable.element, steps) {
                    (Element::Scalar(value), None) => return Ok(Found::at(Place::Element(value.clone()))),
                    (Element::Message(object, shape), Some((first, rest))) => {
                        let place = Place::Member { object: object.clone(), field: shapes.get(*shape).field(*first) };
                        (Found::at(place), rest)
                    }
                    _ => return Err(nowhere()),
                }
            }
            (Root::Element(element), Some((first, rest))) => {
                let Message { object, shape, guards } = self.message(element)?;
                let presence = Some(object.is("NOT NULL"));
                let place = Place::Member { object, field: shapes.get(shape).field(*first) };
                (Found { place, guards, presence }, rest)
            }
            (Root::Record, Some((first, rest))) => (Found::at(self.column("r", self.scope.model, *first)), rest),
            (Root::Related { reference, model }, Some((first, rest))) => {
                let alias = self.alias_of(*reference).ok_or_else(nowhere)?;
                (Found::at(self.column(alias, model, *first)), rest)
            }
            (_, None) => return Err(nowhere()),
        };
        rest.iter().try_fold(found, |found, step| {
            let Kind::Message(shape) = found.place.kind().ok_or_else(nowhere)? else { return Err(nowhere()) };
            let place = Place::Member { object: found.place.json(), field: shapes.get(shape).field(*step) };
            Ok(Found { place, ..found })
        })
    }

    fn column(&self, alias: &str, model: &Arc<Model>, id: FieldId) -> Place<'a> {
        let field = self.scope.catalog.shapes.get(model.shape).field(id);
        Place::Column { alias: alias.to_owned(), model: Arc::clone(model), id, field }
    }

    /// A scalar field.
    pub(super) fn field(&mut self, field: &Field) -> Result<Value, ExprError> {
        let null = match field.absent {
            Absent::Zero => WhenNull::Zero,
            Absent::Null => WhenNull::Null,
            Absent::Error => WhenNull::Error,
        };
        let Found { place, guards, presence } = self.place(field)?;
        let value = match place {
            Place::Element(value) => value,
            Place::Member { object, field } => of_text(&member(&object, "->>", field), field.kind)?.with_null(null),
            place @ Place::Column { .. } => place.column_value(null)?,
        };
        Ok(value.inside(guards, presence))
    }
}

impl Place<'_> {
    fn kind(&self) -> Option<Kind> {
        match self {
            Self::Column { field, .. } | Self::Member { field, .. } => Some(field.kind),
            Self::Element(_) => None,
        }
    }

    /// As it is stored: a column, or a `jsonb` inside of one.
    pub(super) fn json(&self) -> Piece {
        match self {
            Self::Column { alias, field, .. } => Piece::atom(format!("{alias}.{}", quote(&field.storage_name))),
            Self::Member { object, field } => member(object, "->", field),
            Self::Element(value) => value.piece.clone(),
        }
    }

    /// A member as text.
    pub(super) fn text(&self) -> Piece {
        match self {
            Self::Member { object, field } => member(object, "->>", field),
            _ => self.json(),
        }
    }

    fn column_value(&self, null: WhenNull) -> Result<Value, ExprError> {
        let Self::Column { model, id, field, .. } = self else {
            return Err(refuse("a field is no column: this is a fault of ours"));
        };
        let roles = &model.roles;
        if roles.etag == Some(*id) {
            return Err(refuse(format!("`{}` is made when a record is read, so nothing else reads it", field.name)));
        }
        let reference = model.reference(*id);
        let is_id = *id == roles.id;
        let is_time = Some(*id) == roles.created_at || Some(*id) == roles.updated_at;
        let is_implicit = field.cardinality == Cardinality::Implicit && reference.is_none();
        let id_format = if is_id { Some(model.id_format) } else { reference.map(|found| found.target_ids) };
        let ty = match id_format {
            Some(IdFormat::UuidV7) => SqlType::Uuid,
            _ => SqlType::of_kind(field.kind).ok_or_else(|| refuse(format!("`{}` is no single value", field.name)))?,
        };
        let value = Value::new(self.json(), ty).with_bounds(Bounds::of_kind(field.kind));
        Ok(Value {
            null: if is_id || is_time || is_implicit { WhenNull::Never } else { null },
            is_column: true,
            is_reference: reference.is_some(),
            ..value
        })
    }
}

/// A member of a JSON object.
fn member(object: &Piece, operator: &str, field: &shape::Field) -> Piece {
    let key = Piece::atom(quote_literal(&field.storage_name));
    Piece::operation(object, operator, &key, Binding::Other)
}

/// A value that JSON has, from its text.
pub(super) fn of_text(text: &Piece, kind: Kind) -> Result<Value, ExprError> {
    let ty = SqlType::of_kind(kind).ok_or_else(|| refuse("a message has no single value: this is a fault of ours"))?;
    let piece = match (bare(kind), ty) {
        (_, SqlType::Text) => text.clone(),
        (_, SqlType::Bytea) => Piece::call("decode", &[text, &Piece::atom("'base64'")]),
        // JSON has as many digits as a float needs, which a double would take for another number.
        (Kind::Float, _) => text.cast("float4").cast("float8"),
        _ => text.cast(ty.name()),
    };
    Ok(Value::new(piece, ty).with_bounds(Bounds::of_kind(kind)))
}

/// `FROM rows AS alias(v)`, and the column.
pub(super) fn rows(source: &Piece, alias: &str) -> (Piece, Piece) {
    let from = Builder::default().text(" FROM ").operand(source, Binding::Atom).text(" AS ").text(alias).text("(v)");
    (from.finish(Binding::Atom), Piece::atom(format!("{alias}.v")))
}
