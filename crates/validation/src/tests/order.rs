//! Sorts the library's violations of maps, whose order changes from call to call.

use prost_protovalidate::types::FieldPathElement;
use prost_protovalidate::types::field_path_element::Subscript;
use std::collections::BTreeMap;

/// An item and its path.
pub(crate) struct Located<T> {
    pub(crate) path: Vec<FieldPathElement>,
    pub(crate) item: T,
}

/// Sorts the items of each map by its keys, and keeps the order otherwise.
pub(crate) fn sort_by_map_keys<T>(items: Vec<Located<T>>) -> Vec<Located<T>> {
    if items.iter().all(|located| located.path.iter().all(|element| element.key_type.is_none())) {
        return items;
    }
    sort_level(items, 0)
}

fn sort_level<T>(items: Vec<Located<T>>, depth: usize) -> Vec<Located<T>> {
    let mut sorted = Vec::with_capacity(items.len());
    let mut items = items.into_iter().peekable();
    while let Some(first) = items.next() {
        let Some(element) = first.path.get(depth).cloned() else {
            sorted.push(first);
            continue;
        };
        let mut groups = BTreeMap::from([(key(&element), vec![first])]);
        while let Some(next) = items.next_if(|next| belongs(next.path.get(depth), &element)) {
            groups.entry(next.path.get(depth).and_then(key)).or_default().push(next);
        }
        sorted.extend(groups.into_values().flat_map(|group| sort_level(group, depth + 1)));
    }
    sorted
}

/// Whether a path continues in the same field, and for a list in the same item.
fn belongs(candidate: Option<&FieldPathElement>, element: &FieldPathElement) -> bool {
    candidate.is_some_and(|candidate| {
        let is_map = candidate.key_type.is_some() || element.key_type.is_some();
        candidate.field_name == element.field_name && (is_map || candidate.subscript == element.subscript)
    })
}

/// A sortable map key.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Bool(bool),
    Int(i128),
    String(String),
}

fn key(element: &FieldPathElement) -> Option<Key> {
    element.subscript.as_ref().map(|subscript| match subscript {
        Subscript::BoolKey(key) => Key::Bool(*key),
        Subscript::IntKey(key) => Key::Int(i128::from(*key)),
        Subscript::Index(key) | Subscript::UintKey(key) => Key::Int(i128::from(*key)),
        Subscript::StringKey(key) => Key::String(key.clone()),
    })
}
