//! Lists, and the elements that macros iterate over.

use super::{Datum, EvaluationFailure, read};
use crate::ir::Type;
use groundplan_codec::Value;
use std::sync::Arc;

/// A stored list, or one that a rule computes.
#[derive(Clone, Debug)]
pub(crate) enum List<'e> {
    Stored(&'e [Value], &'e Type),
    Computed(Arc<[Datum<'e>]>),
}

impl<'e> List<'e> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Stored(elements, _) => elements.len(),
            Self::Computed(elements) => elements.len(),
        }
    }

    pub(super) fn get(&self, index: usize) -> Option<Datum<'e>> {
        match self {
            Self::Stored(elements, ty) => elements.get(index).map(|element| Datum::from_element(element, ty)),
            Self::Computed(elements) => elements.get(index).cloned(),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Datum<'e>> {
        (0..self.len()).map_while(|index| self.get(index))
    }

    /// Concatenates two lists.
    pub(super) fn followed_by(&self, other: &Self) -> Self {
        Self::Computed(self.iter().chain(other.iter()).collect())
    }
}

impl<'e> Datum<'e> {
    /// Returns the number of elements or entries; 0 for a single value.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::List(list) => list.len(),
            Self::Map { entries, .. } => entries.len(),
            _ => 0,
        }
    }

    /// Returns the elements of a list, or the keys of a map.
    pub(super) fn elements(&self) -> Result<impl Iterator<Item = Datum<'e>>, EvaluationFailure> {
        let (list, entries, key) = match self {
            Self::List(list) => (Some(list), &[][..], None),
            Self::Map { entries, key, .. } => (None, *entries, Some(*key)),
            _ => return Err(EvaluationFailure::Null),
        };
        let keys = key.into_iter().flat_map(move |key| {
            let ty = read::key_type(key);
            entries.iter().map(move |(key, _)| Datum::from_element(key, ty))
        });
        Ok(list.into_iter().flat_map(List::iter).chain(keys))
    }
}
