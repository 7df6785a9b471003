//! Puts the library's violations in one order. The library walks maps in an order that changes from call to call.

use prost_protovalidate::types::FieldPathElement;
use prost_protovalidate::types::field_path_element::Subscript;
use std::collections::BTreeMap;

/// Something with the path of what it is about.
pub(crate) struct Placed<T> {
    pub(crate) path: Vec<FieldPathElement>,
    pub(crate) item: T,
}

/// Sorts what is about the entries of one map by the entries' keys, and leaves the order alone otherwise.
pub(crate) fn settle<T>(items: Vec<Placed<T>>) -> Vec<Placed<T>> {
    if items.iter().all(|placed| placed.path.iter().all(|element| element.key_type.is_none())) {
        return items;
    }
    level(items, 0)
}

fn level<T>(items: Vec<Placed<T>>, depth: usize) -> Vec<Placed<T>> {
    let mut settled = Vec::with_capacity(items.len());
    let mut items = items.into_iter().peekable();
    while let Some(first) = items.next() {
        let Some(element) = first.path.get(depth).cloned() else {
            settled.push(first);
            continue;
        };
        let mut groups = BTreeMap::from([(key(&element), vec![first])]);
        while let Some(next) = items.next_if(|next| belongs(next.path.get(depth), &element)) {
            groups.entry(next.path.get(depth).and_then(key)).or_default().push(next);
        }
        settled.extend(groups.into_values().flat_map(|group| level(group, depth + 1)));
    }
    settled
}

/// Whether a path goes on in the same field: of a list, also in the same item.
fn belongs(candidate: Option<&FieldPathElement>, element: &FieldPathElement) -> bool {
    candidate.is_some_and(|candidate| {
        let is_map = candidate.key_type.is_some() || element.key_type.is_some();
        candidate.field_name == element.field_name && (is_map || candidate.subscript == element.subscript)
    })
}

/// A key, as maps are sorted by it.
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
