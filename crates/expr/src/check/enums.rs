//! Resolves names of enum values.

use crate::Scope;
use crate::ir::Type;
use groundplan_model::shape::{EnumId, ShapeId};
use std::collections::HashSet;

/// Returns the enums of the model's fields and of referenced models, at any depth.
pub(super) fn reachable(scope: Scope<'_>) -> Vec<EnumId> {
    let related = scope.model.references.iter().filter_map(|reference| scope.catalog.model(&reference.target));
    let mut queue: Vec<ShapeId> = [scope.model.shape].into_iter().chain(related.map(|model| model.shape)).collect();
    let mut seen: HashSet<ShapeId> = queue.iter().copied().collect();
    let mut enums = Vec::new();
    let mut seen_enums = HashSet::new();
    while let Some(shape) = queue.pop() {
        for field in &scope.catalog.shapes.get(shape).fields {
            match Type::from_kind(field.kind) {
                Type::Enum(id) if seen_enums.insert(id) => enums.push(id),
                Type::Message(inner) if seen.insert(inner) => queue.push(inner),
                _ => {}
            }
        }
    }
    enums.sort_unstable();
    enums
}

/// Resolves the name of a value, with an optional full or short name of its type. The expected enum takes precedence.
pub(super) fn find_value(
    scope: Scope<'_>,
    expected: Option<EnumId>,
    prefix: Option<&str>,
    value: &str,
) -> Option<(EnumId, i32)> {
    let number = |id: EnumId| {
        let shape = scope.catalog.shapes.enumeration(id);
        let fits = prefix.is_none_or(|prefix| is_named(&shape.full_name, prefix));
        shape.number(value).filter(|_| fits).map(|number| (id, number))
    };
    expected.and_then(number).or_else(|| reachable(scope).into_iter().find_map(number))
}

/// Returns the enum with a full or short name.
pub(super) fn find_enum(scope: Scope<'_>, name: &str) -> Option<EnumId> {
    reachable(scope).into_iter().find(|id| is_named(&scope.catalog.shapes.enumeration(*id).full_name, name))
}

fn is_named(full_name: &str, name: &str) -> bool {
    full_name.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}
