//! Parses `order_by`, and paths of single fields.

use crate::check::members;
use crate::check::reads::unreadable;
use crate::ir::{Field as Path, Root, Type, field_type};
use crate::limits::{MAX_ORDER_KEYS, MAX_ORDER_LENGTH, shortened};
use crate::sql::{self, FieldValue};
use crate::{ExprError, OrderKey, Scope};
use groundplan_model::shape::{Cardinality, Field, FieldId, Kind};

/// Parses an `order_by`.
pub(crate) fn parse(scope: Scope<'_>, source: &str) -> Result<Vec<OrderKey>, ExprError> {
    if source.len() > MAX_ORDER_LENGTH {
        let message =
            format!("the order has {} bytes; at most {MAX_ORDER_LENGTH} are allowed: name fewer fields", source.len());
        return Err(ExprError::new(message));
    }
    if source.trim().is_empty() {
        return Ok(Vec::new());
    }
    let mut keys: Vec<OrderKey> = Vec::new();
    let mut offset = 0;
    for part in source.split(',') {
        let start = offset + part.len() - part.trim_start().len();
        offset += part.len() + 1;
        let at = |message: String| ExprError::at(source, start, message);
        let (name, descending) = direction(part).map_err(at)?;
        let key = key(scope, name, descending).map_err(at)?;
        if let Some(earlier) = keys.iter().find(|earlier| earlier.field.steps == key.field.steps) {
            return Err(at(format!("`{name}` is already in the order, as `{}`: name each field once", earlier.name)));
        }
        keys.push(key);
    }
    if keys.len() > MAX_ORDER_KEYS {
        let message = format!("the order has {} fields; at most {MAX_ORDER_KEYS} are allowed: name fewer", keys.len());
        return Err(ExprError::new(message));
    }
    Ok(keys)
}

/// Parses the path of one field.
pub(crate) fn value(scope: Scope<'_>, path: &str) -> Result<OrderKey, ExprError> {
    if path.len() > MAX_ORDER_LENGTH {
        let message = format!("the name has {} bytes; at most {MAX_ORDER_LENGTH} are allowed", path.len());
        return Err(ExprError::new(message));
    }
    key(scope, path.trim(), false).map_err(ExprError::new)
}

/// Returns the name in a part of an order, and whether it is descending.
fn direction(part: &str) -> Result<(&str, bool), String> {
    let words: Vec<&str> = part.split_whitespace().collect();
    match words.as_slice() {
        [] => Err("the name of a field is missing: leave the comma out".to_owned()),
        [name] => Ok((name, false)),
        [name, "asc"] => Ok((name, false)),
        [name, "desc"] => Ok((name, true)),
        [name, other] if other.eq_ignore_ascii_case("asc") || other.eq_ignore_ascii_case("desc") => {
            Err(format!("write `{name} {}`, in lowercase", other.to_ascii_lowercase()))
        }
        [name, other, ..] => Err(format!(
            "`{}` after `{}` is not valid: write `asc` or `desc`, and separate fields with commas",
            shortened(other, 40),
            shortened(name, 40)
        )),
    }
}

fn key(scope: Scope<'_>, name: &str, descending: bool) -> Result<OrderKey, String> {
    let steps = resolve_path(scope, name)?;
    let (_, field) = steps.last().ok_or("the name of a field is missing")?;
    let ids: Vec<FieldId> = steps.iter().map(|(id, _)| *id).collect();
    let (ty, absent) = field_type(field);
    require_order(name, field, &ty)?;
    let path = Path { root: Root::Record, steps: ids, ty, kind: Some(field.kind), absent };
    let FieldValue { sql, sql_type, nullable, column } =
        sql::field_value(scope, &path).map_err(|error| error.message)?;
    // Inside a message, zeros are not stored, so they are NULL. Only fields with presence sort absent values last.
    let reads_zero = steps.len() > 1 && field.cardinality == Cardinality::Implicit;
    let sql = if reads_zero { format!("coalesce({sql}, {})", zero(sql_type)) } else { sql };
    let collation = if sql_type == "text" { " COLLATE \"C\"" } else { "" };
    Ok(OrderKey {
        name: name.to_owned(),
        field: path,
        descending,
        sql: format!("{sql}{collation}"),
        sql_type,
        nullable: nullable && !reads_zero,
        column,
    })
}

/// Returns the literal of a type's zero.
fn zero(sql_type: &str) -> &'static str {
    match sql_type {
        "boolean" => "false",
        "text" | "bytea" => "''",
        _ => "0",
    }
}

/// Resolves a path to its fields, from the record inwards.
fn resolve_path<'a>(scope: Scope<'a>, path: &str) -> Result<Vec<(FieldId, &'a Field)>, String> {
    let model = scope.model;
    let mut fields: Vec<(FieldId, &Field)> = Vec::new();
    let mut shape = model.shape();
    for (at, name) in path.split('.').enumerate() {
        let Some(id) = shape.by_name(name) else {
            let relation = (at == 0).then(|| members::reference_by_name(&model.references, name)).flatten();
            return Err(match relation {
                Some(id) => relation_error(name, &shape.field(id).name),
                None => members::no_field(members::short_name(&shape.full_name), shape, name),
            });
        };
        let field = shape.field(id);
        if let Some(message) = unreadable(field, at == 0 && model.roles.etag == Some(id)) {
            return Err(message);
        }
        fields.push((id, field));
        let is_last = path.split('.').count() == at + 1;
        if is_last {
            return Ok(fields);
        }
        match (field.kind, field.cardinality) {
            (_, Cardinality::Repeated | Cardinality::Map(_)) => return Err(repeated_error(name)),
            (Kind::Message(inner), _) => shape = scope.catalog.shapes.get(inner),
            _ if at == 0 && model.reference(id).is_some() => return Err(relation_error(name, &field.name)),
            _ => {
                return Err(format!("`{name}` is not a message and has no fields: leave out the part after the dot"));
            }
        }
    }
    Ok(fields)
}

fn relation_error(name: &str, id: &str) -> String {
    format!("`{name}` refers to another record: name a field of the record itself, such as `{id}`")
}

fn repeated_error(name: &str) -> String {
    format!("`{name}` holds many values: name a field that holds one")
}

/// Rejects fields whose values have no order.
fn require_order(name: &str, field: &Field, ty: &Type) -> Result<(), String> {
    match (field.cardinality, ty) {
        (Cardinality::Repeated | Cardinality::Map(_), _) => Err(repeated_error(name)),
        (_, Type::Opaque) => Err(format!("`{name}` has no order: name another field")),
        (_, Type::Message(_)) => Err(format!(
            "`{name}` is a message, which has no order: name one of the fields inside, as in `{name}.field`"
        )),
        _ => Ok(()),
    }
}
