//! Reports which queries an index serves, and suggests an index for the others.

use super::{Compiled, Parent};
use groundplan_expr::{Access, ColumnTest, OrderKey};
use groundplan_model::catalog::{IdFormat, Index, IndexMethod, Model};
use groundplan_model::shape::FieldId;

/// The maximum number of fields of an index.
const MAX_FIELDS: usize = 8;

/// Reports whether an index narrows the records to those that match the filter, or to those of a parent.
pub fn narrows(model: &Model, compiled: &Compiled, parent: Option<&Parent>) -> bool {
    parent.is_some() || compiled.filter.as_ref().is_some_and(|filter| serves(model, filter.access()))
}

/// Reports whether an index serves a page: it narrows the filter, or returns all records in order.
pub fn serves_page(model: &Model, compiled: &Compiled, parent: Option<&Parent>) -> bool {
    narrows(model, compiled, parent)
        || (compiled.filter.is_none() && (compiled.keys.is_empty() || index_order(model, compiled, parent).is_some()))
}

/// Reports whether larger ids come first among records that are equal in the order's keys: as the caller requests, or as an
/// index returns them in a forward or backward scan.
pub fn ids_descend(model: &Model, compiled: &Compiled, parent: Option<&Parent>) -> bool {
    let all_descend = !compiled.keys.is_empty() && compiled.keys.iter().all(|key| key.descending);
    compiled.ids_descend.or_else(|| index_order(model, compiled, parent)).unwrap_or(all_descend)
}

/// Returns the lines for the model's option that add indexes for the query; `None` if no index helps.
pub fn advice(model: &Model, compiled: &Compiled) -> Option<String> {
    let order = Order::of(compiled);
    let lines = match &compiled.filter {
        Some(filter) => suggested(model, filter.access(), order)?,
        None if compiled.keys.is_empty() => return None,
        None => {
            let fields = order_fields(model, &[], order).filter(|fields| fields.len() <= MAX_FIELDS)?;
            vec![ordered_line(model, fields)?]
        }
    };
    (!lines.is_empty()).then(|| lines.join(" "))
}

/// Reports whether the filter contains a substring that is too short for an index.
pub fn is_too_short(compiled: &Compiled) -> bool {
    fn is_in(access: &Access) -> bool {
        match access {
            Access::All(parts) | Access::Any(parts) => parts.iter().any(is_in),
            Access::TooShort => true,
            Access::Column { .. } | Access::Opaque => false,
        }
    }
    compiled.filter.as_ref().is_some_and(|filter| is_in(filter.access()))
}

/// The keys of an order before the id, and the direction of the ids if the order names them.
#[derive(Clone, Copy, Debug)]
struct Order<'a> {
    keys: &'a [OrderKey],
    ids_descend: Option<bool>,
}

impl<'a> Order<'a> {
    const NONE: Self = Self { keys: &[], ids_descend: None };

    fn of(compiled: &'a Compiled) -> Self {
        Self { keys: &compiled.keys, ids_descend: compiled.ids_descend }
    }
}

/// Reports whether an index serves a condition.
fn serves(model: &Model, access: &Access) -> bool {
    match access {
        Access::All(parts) => parts.iter().any(|part| serves(model, part)),
        // A condition that is never true reads nothing.
        Access::Any(parts) => parts.iter().all(|part| serves(model, part)),
        Access::Column { field, test } => {
            let by_primary_key = *field == model.roles.id && key_serves(model, *test);
            by_primary_key
                || model.indexes.iter().any(|index| begins_with(index, *field) && method_serves(&index.method, *test))
        }
        Access::TooShort | Access::Opaque => false,
    }
}

/// Reports whether the primary key serves a test of the id.
fn key_serves(model: &Model, test: ColumnTest) -> bool {
    match test {
        ColumnTest::Equal | ColumnTest::Range => true,
        ColumnTest::Prefix | ColumnTest::ShortPrefix => model.id_format == IdFormat::ClientAssigned,
        ColumnTest::Substring | ColumnTest::Element | ColumnTest::Search => false,
    }
}

fn begins_with(index: &Index, field: FieldId) -> bool {
    index.fields.first().is_some_and(|first| first.field == field)
}

/// Reports whether an index of this method serves a test of its first field.
fn method_serves(method: &IndexMethod, test: ColumnTest) -> bool {
    match method {
        IndexMethod::Ordered => {
            matches!(test, ColumnTest::Equal | ColumnTest::Range | ColumnTest::Prefix | ColumnTest::ShortPrefix)
        }
        IndexMethod::Trigram => matches!(test, ColumnTest::Prefix | ColumnTest::Substring),
        IndexMethod::Search { .. } => test == ColumnTest::Search,
        IndexMethod::Elements => test == ColumnTest::Element,
        IndexMethod::Purge => false,
    }
}

/// Returns whether ids descend in an index that returns the order; `None` if no index does.
fn index_order(model: &Model, compiled: &Compiled, parent: Option<&Parent>) -> Option<bool> {
    let mut fixed: Vec<FieldId> = parent.map(|parent| parent.field).into_iter().collect();
    if let Some(filter) = &compiled.filter {
        equal_fields(filter.access(), &mut fixed);
    }
    model.indexes.iter().find_map(|index| order_of(model, index, &fixed, Order::of(compiled)))
}

/// Returns whether ids descend in an index that returns the whole order; `None` if it does not. An index with more columns
/// than the keys sorts by those before the id. `fixed` fields have a single value.
fn order_of(model: &Model, index: &Index, fixed: &[FieldId], order: Order<'_>) -> Option<bool> {
    if index.method != IndexMethod::Ordered {
        return None;
    }
    let mut columns = index.fields.iter().filter(|column| !fixed.contains(&column.field));
    let mut backwards = None;
    for key in order.keys {
        let column = columns.next().filter(|column| Some(column.field) == key.column)?;
        let turned = column.descending != key.descending;
        if *backwards.get_or_insert(turned) != turned {
            return None;
        }
    }
    let backwards = backwards?;
    let descend = match columns.next() {
        // Columns after the id do not change the order.
        Some(id) if id.field == model.roles.id => id.descending != backwards,
        Some(_) => return None,
        // Without records that are equal in the keys, ids break no ties. NULLs are not equal to each other.
        None if index.unique && order.keys.iter().all(|key| !key.nullable) => order.ids_descend.unwrap_or(backwards),
        None if index.unique => return None,
        None => backwards,
    };
    order.ids_descend.is_none_or(|wanted| wanted == descend).then_some(descend)
}

/// Collects the fields that a condition compares with a single value.
fn equal_fields(access: &Access, fields: &mut Vec<FieldId>) {
    match access {
        Access::All(parts) => parts.iter().for_each(|part| equal_fields(part, fields)),
        Access::Column { field, test: ColumnTest::Equal } => fields.push(*field),
        _ => {}
    }
}

/// Returns the lines of the indexes that a condition needs; `None` if no index can serve it.
fn suggested(model: &Model, access: &Access, order: Order<'_>) -> Option<Vec<String>> {
    if serves(model, access) {
        return Some(Vec::new());
    }
    match access {
        Access::All(parts) => {
            let part = |test: fn(ColumnTest) -> bool| {
                let fields = parts.iter().filter_map(move |part| match part {
                    Access::Column { field, test: actual } if test(*actual) => Some(*field),
                    _ => None,
                });
                fields.collect::<Vec<_>>()
            };
            let equal = part(|test| test == ColumnTest::Equal);
            let between = part(|test| matches!(test, ColumnTest::Range | ColumnTest::Prefix | ColumnTest::ShortPrefix));
            if let Some(line) = ordered(model, &equal, &between, order) {
                return Some(vec![line]);
            }
            parts.iter().find_map(|part| suggested(model, part, order))
        }
        Access::Any(parts) => {
            let mut lines: Vec<String> = Vec::new();
            for part in parts {
                for line in suggested(model, part, Order::NONE)? {
                    if !lines.contains(&line) {
                        lines.push(line);
                    }
                }
            }
            Some(lines)
        }
        Access::Column { field, test } => {
            let of_method = |method| line(model, &[(*field, false)], Some(method));
            Some(vec![match test {
                ColumnTest::Equal => ordered(model, &[*field], &[], order)?,
                ColumnTest::Range | ColumnTest::Prefix | ColumnTest::ShortPrefix => {
                    ordered(model, &[], &[*field], order)?
                }
                ColumnTest::Substring => of_method("TRIGRAM"),
                ColumnTest::Element => of_method("ELEMENTS"),
                ColumnTest::Search => of_method("SEARCH"),
            }])
        }
        Access::TooShort | Access::Opaque => None,
    }
}

/// Returns the line of an ordered index: the fields with a single value first, then the range, or else the order.
fn ordered(model: &Model, equal: &[FieldId], between: &[FieldId], order: Order<'_>) -> Option<String> {
    let range = between.first().copied();
    if equal.is_empty() && range.is_none() {
        return None;
    }
    let by_order = range.is_none() || order.keys.first().is_some_and(|key| key.column == range);
    if by_order && let Some(fields) = order_fields(model, equal, order) {
        return ordered_line(model, fields);
    }
    ordered_line(model, equal.iter().copied().chain(range).map(|field| (field, false)).collect())
}

/// Returns the fields of an index for an order, each with whether it descends; `None` if a key is not a column.
fn order_fields(model: &Model, equal: &[FieldId], order: Order<'_>) -> Option<Vec<(FieldId, bool)>> {
    let keys = order.keys.iter().map(|key| key.column.map(|field| (field, key.descending)));
    let mut fields: Vec<_> = keys.collect::<Option<Vec<_>>>()?;
    // Ids ascend after the fields of an index by default.
    if order.ids_descend == Some(true) && !fields.is_empty() {
        fields.push((model.roles.id, true));
    }
    Some(equal.iter().map(|field| (*field, false)).chain(fields).collect())
}

fn ordered_line(model: &Model, mut fields: Vec<(FieldId, bool)>) -> Option<String> {
    let mut seen = Vec::new();
    fields.retain(|(field, descending)| {
        // Each index contains the id.
        let is_new = !seen.contains(field) && (*field != model.roles.id || *descending);
        seen.push(*field);
        is_new
    });
    fields.truncate(MAX_FIELDS);
    (!fields.is_empty()).then(|| line(model, &fields, None))
}

/// Returns the line of an index in the model's option.
fn line(model: &Model, fields: &[(FieldId, bool)], method: Option<&str>) -> String {
    let mut line = "indexes: {".to_owned();
    for (field, descending) in fields {
        let name = &model.shape().field(*field).name;
        line.push_str(&format!(" fields: \"{name}{}\"", if *descending { " desc" } else { "" }));
    }
    if let Some(method) = method {
        line.push_str(&format!(" method: INDEX_METHOD_{method}"));
    }
    line.push_str(" }");
    line
}

#[cfg(test)]
mod tests;
