//! Checks steps from one field to the next.

pub(crate) use super::messages::short_name;
pub(crate) use super::names::reference_by_name;

use super::messages::{list_names, suggestion};
use super::names::Meaning;
use super::reads::unreadable;
use super::{Checker, Typed, calls};
use crate::ExprError;
use crate::ir::{Const, Expr, Field, Root, Type, field_type};
use crate::parse::{Node, Span};
use groundplan_model::catalog::Model;
use groundplan_model::shape::{FieldId, MapKey, Shape, ShapeId};
use std::sync::Arc;

impl Checker<'_> {
    /// Resolves a name after a dot.
    pub(super) fn member(&self, operand: &Node, from: Meaning, name: &str, span: Span) -> Result<Meaning, ExprError> {
        let model = self.scope.model;
        match from {
            Meaning::Record => match model.shape().by_name(name) {
                Some(id) => self.field(Root::Record, &[], model.shape, id, span).map(Meaning::Field),
                None => match self.relation(name, span)? {
                    Some(relation) => Ok(relation),
                    None => Err(self.no_field(&model.name, model.shape(), name, span)),
                },
            },
            Meaning::Reference(reference) => self.related(reference, name, span).map(Meaning::Field),
            Meaning::Field(field) => self.member_of_field(operand, field, name, span),
            Meaning::Value(Typed {
                expr: expr @ (Expr::MapValue { .. } | Expr::ListItem { .. }),
                ty: Type::Message(shape),
            }) => self.step(Root::Element(Box::new(expr)), &[], shape, name, span).map(Meaning::Field),
            Meaning::Value(value) => Err(self.no_fields(operand, &value.ty, name, span)),
        }
    }

    /// Resolves a name in the value of a field.
    fn member_of_field(&self, operand: &Node, field: Field, name: &str, span: Span) -> Result<Meaning, ExprError> {
        match (&field.ty, &field.root, field.steps.as_slice()) {
            (Type::Message(shape), ..) => self.step(field.root, &field.steps, *shape, name, span).map(Meaning::Field),
            (Type::Map(MapKey::String, ty), ..) => {
                let key = Box::new(Expr::Const(Const::String(name.to_owned())));
                let ty = ty.as_ref().clone();
                let value = Expr::MapValue { map: field, key, ty: ty.clone() };
                Ok(Meaning::Value(Typed::new(value, ty)))
            }
            (Type::String, Root::Record, [id]) if self.scope.model.reference(*id).is_some() => {
                self.related(*id, name, span).map(Meaning::Field)
            }
            (Type::String, Root::Related { model, .. }, [id]) if model.reference(*id).is_some() => {
                Err(self.second_step(&model.resource, name, span))
            }
            (ty, ..) => Err(self.no_fields(operand, ty, name, span)),
        }
    }

    /// Resolves a field by name in the message that `before` leads to.
    fn step(&self, root: Root, before: &[FieldId], shape: ShapeId, name: &str, span: Span) -> Result<Field, ExprError> {
        let fields = self.scope.catalog.shapes.get(shape);
        let Some(id) = fields.by_name(name) else {
            return Err(self.no_field(self.shape_name(shape), fields, name, span));
        };
        self.field(root, before, shape, id, span)
    }

    /// Resolves a field of the record that a reference leads to.
    fn related(&self, reference: FieldId, name: &str, span: Span) -> Result<Field, ExprError> {
        self.reject_relation_in_formula(reference, span)?;
        let model =
            self.scope.model.reference(reference).and_then(|reference| self.scope.catalog.model(&reference.target));
        let Some(model) = model else { return Err(self.error(span, "the referenced model does not exist")) };
        let Some(id) = model.shape().by_name(name) else {
            if reference_by_name(&model.references, name).is_some() {
                return Err(self.second_step(&model.resource, name, span));
            }
            return Err(self.no_field(&model.name, model.shape(), name, span));
        };
        self.field(Root::Related { reference, model: Arc::clone(model) }, &[], model.shape, id, span)
    }

    fn second_step(&self, resource: &str, name: &str, span: Span) -> ExprError {
        let message =
            format!("`{name}` is two relations away, and a filter follows only one: filter {resource} instead");
        self.error(span, message)
    }

    /// Returns a field of the message that `before` leads to.
    pub(super) fn field(
        &self,
        root: Root,
        before: &[FieldId],
        shape: ShapeId,
        id: FieldId,
        span: Span,
    ) -> Result<Field, ExprError> {
        let field = self.scope.catalog.shapes.get(shape).field(id);
        let model: Option<&Model> = match &root {
            Root::Record => Some(self.scope.model),
            Root::Related { model, .. } => Some(model),
            Root::Variable(_) | Root::Element(_) => None,
        };
        let is_etag = before.is_empty() && model.is_some_and(|model| model.roles.etag == Some(id));
        if let (Root::Record, []) = (&root, before) {
            self.check_formula_read(id, span)?;
        }
        if let Some(message) = unreadable(field, is_etag) {
            return Err(self.error(span, message));
        }
        let (ty, absent) = field_type(field);
        Ok(Field { root, steps: before.iter().copied().chain([id]).collect(), ty, kind: Some(field.kind), absent })
    }

    fn no_field(&self, owner: &str, shape: &Shape, name: &str, span: Span) -> ExprError {
        self.error(span, no_field(owner, shape, name))
    }

    fn no_fields(&self, operand: &Node, ty: &Type, name: &str, span: Span) -> ExprError {
        if calls::is_method(name) {
            let operand = self.quote(operand);
            let message = format!("`{name}` is a function: write `{}.{name}(…)`", operand.trim_matches('`'));
            return self.error(span, message);
        }
        let help = match ty {
            Type::List(_) => "search it with `exists`, as in `list.exists(item, item == \"x\")`",
            Type::Map(..) => "read a value with `map[key]`",
            _ => "leave out the part after the dot",
        };
        let message = format!("{} is {}, which has no fields to name: {help}", self.quote(operand), self.type_name(ty));
        self.error(span, message)
    }
}

/// Returns the message of an error about an unknown field.
pub(crate) fn no_field(owner: &str, shape: &Shape, name: &str) -> String {
    let names = shape.iter().flat_map(|(_, field)| [field.name.as_str(), field.json_name.as_str()]);
    let help =
        suggestion(name, names).unwrap_or_else(|| list_names(shape.iter().map(|(_, field)| field.name.as_str())));
    format!("{owner} has no field {}: {help}", super::messages::quote(name))
}
