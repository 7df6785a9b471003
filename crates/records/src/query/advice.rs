//! Which queries an index serves, and which index would serve one that is not served.

use super::{Compiled, Parent};
use groundplan_expr::{Access, OrderKey, Test};
use groundplan_model::catalog::{IdFormat, Index, IndexMethod, Model};
use groundplan_model::shape::FieldId;

/// The most fields of an index.
const MAX_FIELDS: usize = 8;

/// Whether an index narrows the records to those that match, or to those of a parent.
pub(crate) fn narrows(model: &Model, compiled: &Compiled, parent: Option<&Parent>) -> bool {
    parent.is_some() || compiled.filter.as_ref().is_some_and(|filter| serves(model, filter.access()))
}

/// Whether a page is read by an index: it narrows a filter, or gives the order of everything.
pub(crate) fn serves_page(model: &Model, compiled: &Compiled, parent: Option<&Parent>) -> bool {
    narrows(model, compiled, parent)
        || (compiled.filter.is_none() && (compiled.keys.is_empty() || index_order(model, compiled, parent).is_some()))
}

/// Whether larger ids are to come first among records that are equal in the order's keys: as an index gives them that is
/// read forwards or backwards, since each ends in the id.
pub(crate) fn ids_descend(model: &Model, compiled: &Compiled, parent: Option<&Parent>) -> bool {
    let all_descend = !compiled.keys.is_empty() && compiled.keys.iter().all(|key| key.descending);
    compiled.ids_descend.or_else(|| index_order(model, compiled, parent)).unwrap_or(all_descend)
}

/// The line, or lines, for the model's option with which the query is served.
pub(crate) fn advice(model: &Model, compiled: &Compiled) -> Option<String> {
    let lines = match &compiled.filter {
        Some(filter) => wanted(model, filter.access(), &compiled.keys)?,
        None if compiled.keys.is_empty() => return None,
        None => vec![of_order(model, &[], &compiled.keys)?],
    };
    Some(lines.join(" "))
}

/// Whether an index serves a condition.
fn serves(model: &Model, access: &Access) -> bool {
    match access {
        Access::All(parts) => parts.iter().any(|part| serves(model, part)),
        Access::Any(parts) => !parts.is_empty() && parts.iter().all(|part| serves(model, part)),
        Access::Column { field, test } if *field == model.roles.id => match test {
            Test::Equal | Test::Range => true,
            Test::Prefix => model.id_format == IdFormat::ClientAssigned,
            Test::Substring | Test::Element | Test::Search => false,
        },
        Access::Column { field, test } => model
            .indexes
            .iter()
            .any(|index| index.fields.first().is_some_and(|first| first.field == *field) && fits(&index.method, *test)),
        Access::Opaque => false,
    }
}

/// Whether an index of this method serves a test of its first field.
fn fits(method: &IndexMethod, test: Test) -> bool {
    match method {
        IndexMethod::Ordered => matches!(test, Test::Equal | Test::Range | Test::Prefix),
        IndexMethod::Trigram => matches!(test, Test::Prefix | Test::Substring),
        IndexMethod::Search { .. } => test == Test::Search,
        IndexMethod::Elements => test == Test::Element,
    }
}

/// The direction of the ids where an index gives the order, if one does.
fn index_order(model: &Model, compiled: &Compiled, parent: Option<&Parent>) -> Option<bool> {
    let mut fixed: Vec<FieldId> = parent.map(|parent| parent.field).into_iter().collect();
    if let Some(filter) = &compiled.filter {
        equal_fields(filter.access(), &mut fixed);
    }
    model.indexes.iter().find_map(|index| order_of(index, &fixed, &compiled.keys))
}

/// The direction of the ids in which an index gives the order of the keys; `fixed` fields have one value.
fn order_of(index: &Index, fixed: &[FieldId], keys: &[OrderKey]) -> Option<bool> {
    if index.method != IndexMethod::Ordered {
        return None;
    }
    let mut columns = index.fields.iter().filter(|column| !fixed.contains(&column.field));
    let mut backwards = None;
    for key in keys {
        let column = columns.next().filter(|column| Some(column.field) == key.column)?;
        let turned = column.descending != key.descending;
        if *backwards.get_or_insert(turned) != turned {
            return None;
        }
    }
    backwards
}

/// The fields that a condition has equal to a value.
fn equal_fields(access: &Access, found: &mut Vec<FieldId>) {
    match access {
        Access::All(parts) => parts.iter().for_each(|part| equal_fields(part, found)),
        Access::Column { field, test: Test::Equal } => found.push(*field),
        _ => {}
    }
}

/// The indexes with which a condition is served; nothing if there are none.
fn wanted(model: &Model, access: &Access, keys: &[OrderKey]) -> Option<Vec<String>> {
    if serves(model, access) {
        return Some(Vec::new());
    }
    match access {
        Access::All(parts) => {
            let part = |test: fn(Test) -> bool| {
                let fields = parts.iter().filter_map(move |part| match part {
                    Access::Column { field, test: found } if test(*found) => Some(*field),
                    _ => None,
                });
                fields.collect::<Vec<_>>()
            };
            let equal = part(|test| test == Test::Equal);
            let between = part(|test| matches!(test, Test::Range | Test::Prefix));
            if let Some(line) = ordered(model, &equal, &between, keys) {
                return Some(vec![line]);
            }
            parts.iter().find_map(|part| wanted(model, part, keys))
        }
        Access::Any(parts) => {
            let mut lines: Vec<String> = Vec::new();
            for part in parts {
                for line in wanted(model, part, &[])? {
                    if !lines.contains(&line) {
                        lines.push(line);
                    }
                }
            }
            (!lines.is_empty()).then_some(lines)
        }
        Access::Column { field, test } => Some(vec![match test {
            Test::Equal => ordered(model, &[*field], &[], keys)?,
            Test::Range | Test::Prefix => ordered(model, &[], &[*field], keys)?,
            Test::Substring => of_method(model, *field, "TRIGRAM"),
            Test::Element => of_method(model, *field, "ELEMENTS"),
            Test::Search => of_method(model, *field, "SEARCH"),
        }]),
        Access::Opaque => None,
    }
}

/// An ordered index: what is equal first, then what lies in a range, or else the order.
fn ordered(model: &Model, equal: &[FieldId], between: &[FieldId], keys: &[OrderKey]) -> Option<String> {
    let range = between.first().copied();
    let by_order = range.is_none() || keys.first().is_some_and(|key| key.column == range);
    if by_order && let Some(line) = of_order(model, equal, keys) {
        return Some(line);
    }
    let fields: Vec<(FieldId, bool)> = equal.iter().copied().chain(range).map(|field| (field, false)).collect();
    line(model, fields)
}

/// An index that gives an order, if each key is a column.
fn of_order(model: &Model, equal: &[FieldId], keys: &[OrderKey]) -> Option<String> {
    let keys = keys.iter().map(|key| key.column.map(|field| (field, key.descending)));
    let keys = keys.collect::<Option<Vec<_>>>()?;
    line(model, equal.iter().map(|field| (*field, false)).chain(keys).collect())
}

fn line(model: &Model, mut fields: Vec<(FieldId, bool)>) -> Option<String> {
    let mut seen = Vec::new();
    fields.retain(|(field, _)| {
        let is_new = !seen.contains(field) && *field != model.roles.id;
        seen.push(*field);
        is_new
    });
    fields.truncate(MAX_FIELDS);
    let fields = fields.iter().map(|(field, descending)| {
        format!("fields: \"{}{}\"", name(model, *field), if *descending { " desc" } else { "" })
    });
    let fields: Vec<String> = fields.collect();
    (!fields.is_empty()).then(|| format!("indexes: {{ {} }}", fields.join(" ")))
}

fn of_method(model: &Model, field: FieldId, method: &str) -> String {
    format!("indexes: {{ fields: \"{}\" method: INDEX_METHOD_{method} }}", name(model, field))
}

fn name(model: &Model, field: FieldId) -> &str {
    &model.shape().field(field).name
}

#[cfg(test)]
mod tests;
