//! Rules of whole lists and maps.

use super::Checks;
use groundplan_codec::Value;
use prost_protovalidate::types::rules_meta::{float, map, repeated};
use prost_protovalidate::types::{MapRules, RepeatedRules};
use std::collections::HashSet;

impl Checks {
    pub(super) fn repeated(&mut self, rules: &RepeatedRules) {
        if let Some(least) = rules.min_items {
            let message = repeated::min_items_message(least);
            self.value(repeated::MIN_ITEMS_ID, &message, move |value| items(value).len() as u64 >= least);
        }
        if let Some(most) = rules.max_items {
            let message = repeated::max_items_message(most);
            self.value(repeated::MAX_ITEMS_ID, &message, move |value| items(value).len() as u64 <= most);
        }
        if rules.unique == Some(true) {
            self.value(repeated::UNIQUE_ID, repeated::UNIQUE_MESSAGE, |value| are_unique(items(value)));
        }
    }

    pub(super) fn map(&mut self, rules: &MapRules) {
        let pairs = |value: &Value| match value {
            Value::Map(pairs) => pairs.len() as u64,
            _ => 0,
        };
        if let Some(least) = rules.min_pairs {
            self.value(map::MIN_PAIRS_ID, &map::min_pairs_message(least), move |value| pairs(value) >= least);
        }
        if let Some(most) = rules.max_pairs {
            self.value(map::MAX_PAIRS_ID, &map::max_pairs_message(most), move |value| pairs(value) <= most);
        }
    }
}

fn items(value: &Value) -> &[Value] {
    match value {
        Value::List(items) => items,
        _ => &[],
    }
}

/// The identity of an item for uniqueness.
#[derive(PartialEq, Eq, Hash)]
enum Identity<'a> {
    Integer(i128),
    Bits(u64),
    Bytes(&'a [u8]),
}

/// Whether no two items are equal. NaN equals nothing; positive and negative zero are equal.
fn are_unique(items: &[Value]) -> bool {
    let mut seen = HashSet::with_capacity(items.len());
    items.iter().all(|item| {
        let identity = match item {
            Value::Bool(item) => Identity::Integer(i128::from(*item)),
            Value::Int(item) => Identity::Integer(i128::from(*item)),
            Value::Uint(item) => Identity::Integer(i128::from(*item)),
            Value::Enum(item) => Identity::Integer(i128::from(*item)),
            Value::String(item) => Identity::Bytes(item.as_bytes()),
            Value::Bytes(item) => Identity::Bytes(item),
            Value::Double(item) => match float::canonical_f64_bits(*item) {
                Some(bits) => Identity::Bits(bits),
                None => return true,
            },
            // `unique` does not compile for other types.
            _ => return true,
        };
        seen.insert(identity)
    })
}
