//! Reads fields.

use super::{Datum, EvaluationError, EvaluationFailure, Evaluator, Variables};
use crate::ir::{Absent, Expr, Field, Root, Type};
use groundplan_codec::{Record, Value};
use groundplan_model::shape::{FieldId, MapKey};
use std::cmp::Ordering;

impl Evaluator<'_> {
    /// Reads a scalar field.
    pub(super) fn field<'e>(
        &'e self,
        field: &'e Field,
        variables: Variables<'_, 'e>,
    ) -> Result<Datum<'e>, EvaluationError> {
        if let (Root::Variable(level), []) = (&field.root, field.steps.as_slice()) {
            return match variables.get(*level).ok_or(EvaluationFailure::Absent)? {
                Datum::Message(_) | Datum::Opaque => Err(EvaluationFailure::Null.into()),
                variable => Ok(variable.clone()),
            };
        }
        if let Some(value) = self.find(field, variables)? {
            return Ok(Datum::from_value(value, &field.ty).ok_or(EvaluationFailure::Null)?);
        }
        match field.absent {
            Absent::Zero => Ok(Datum::zero(&field.ty).ok_or(EvaluationFailure::Null)?),
            Absent::Null => Ok(Datum::Null),
            Absent::Error => Err(EvaluationFailure::Absent.into()),
        }
    }

    pub(super) fn has<'e>(&'e self, field: &'e Field, variables: Variables<'_, 'e>) -> Result<bool, EvaluationError> {
        // The codec does not store zeros of fields without presence.
        Ok(self.find(field, variables)?.is_some())
    }

    /// Finds the value of a field.
    fn find<'e>(
        &'e self,
        field: &'e Field,
        variables: Variables<'_, 'e>,
    ) -> Result<Option<&'e Value>, EvaluationError> {
        self.charge(field.steps.len() as u64)?;
        let mut record = match &field.root {
            Root::Record => self.record.ok_or(EvaluationFailure::Absent)?,
            Root::Related { reference, .. } => self.related(*reference).ok_or(EvaluationFailure::Absent)?,
            Root::Variable(level) => match variables.get(*level).ok_or(EvaluationFailure::Absent)? {
                Datum::Message(Some(record)) => record,
                _ => return Ok(None),
            },
            Root::Element(element) => match self.element(element, variables)? {
                Value::Message(record) => record,
                _ => return Ok(None),
            },
        };
        let Some((last, parents)) = field.steps.split_last() else { return Ok(None) };
        for step in parents {
            match record.get(*step) {
                Some(Value::Message(next)) => record = next,
                _ => return Ok(None),
            }
        }
        Ok(record.get(*last))
    }

    fn related(&self, reference: FieldId) -> Option<&Record> {
        let (_, cell) = self.fetched.iter().find(|(field, _)| *field == reference)?;
        cell.get_or_init(|| (self.related)(reference)).as_ref()
    }

    /// Returns the elements of a repeated field, or the keys of a map, as variables.
    pub(super) fn elements<'e>(
        &'e self,
        list: &'e Field,
        variables: Variables<'_, 'e>,
    ) -> Result<impl Iterator<Item = Datum<'e>>, EvaluationError> {
        let (elements, entries, ty) = match (self.find(list, variables)?, &list.ty) {
            (Some(Value::List(elements)), Type::List(ty)) => (&elements[..], &[][..], &**ty),
            (Some(Value::Map(entries)), Type::Map(key, _)) => (&[][..], &entries[..], key_type(*key)),
            _ => (&[][..], &[][..], &Type::Null),
        };
        let keys = entries.iter().map(|(key, _)| key);
        Ok(elements.iter().chain(keys).map(move |value| Datum::from_element(value, ty)))
    }

    /// Evaluates `value in list` or `key in map`.
    pub(super) fn contains<'e>(
        &'e self,
        list: &'e Field,
        value: &Datum<'_>,
        variables: Variables<'_, 'e>,
    ) -> Result<bool, EvaluationError> {
        match (self.find(list, variables)?, &list.ty) {
            (Some(Value::List(elements)), Type::List(ty)) => {
                for element in elements {
                    self.charge(1)?;
                    self.charge_bytes(value.bytes())?;
                    if Datum::from_value(element, ty).is_some_and(|element| element.equals(value)) {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            (Some(Value::Map(entries)), Type::Map(kind, _)) => Ok(self.entry(entries, *kind, value)?.is_some()),
            _ => Ok(false),
        }
    }

    pub(super) fn length<'e>(
        &'e self,
        list: &'e Field,
        variables: Variables<'_, 'e>,
    ) -> Result<usize, EvaluationError> {
        Ok(match self.find(list, variables)? {
            Some(Value::List(elements)) => elements.len(),
            Some(Value::Map(entries)) => entries.len(),
            _ => 0,
        })
    }

    /// Returns the value of a key. The codec sorts entries by their keys, in the order of `Datum::compare`.
    pub(super) fn entry<'e>(
        &self,
        entries: &'e [(Value, Value)],
        kind: MapKey,
        key: &Datum<'_>,
    ) -> Result<Option<&'e Value>, EvaluationError> {
        let comparisons = u64::from(entries.len().checked_ilog2().unwrap_or_default()) + 1;
        self.charge(comparisons)?;
        self.charge_bytes(key.bytes())?;
        let order = |(candidate, _): &(Value, Value)| {
            Datum::from_value(candidate, key_type(kind))
                .and_then(|candidate| candidate.compare(key))
                .unwrap_or(Ordering::Less)
        };
        Ok(entries.binary_search_by(order).ok().and_then(|at| entries.get(at)).map(|(_, value)| value))
    }

    /// Evaluates `map[key]` or `list[index]`.
    pub(super) fn element<'e>(
        &'e self,
        element: &'e Expr,
        variables: Variables<'_, 'e>,
    ) -> Result<&'e Value, EvaluationError> {
        match element {
            Expr::MapValue { map, key, .. } => {
                let key = self.value(key, variables)?;
                let (Some(Value::Map(entries)), Type::Map(kind, _)) = (self.find(map, variables)?, &map.ty) else {
                    return Err(EvaluationFailure::NoSuchElement.into());
                };
                Ok(self.entry(entries, *kind, &key)?.ok_or(EvaluationFailure::NoSuchElement)?)
            }
            Expr::ListItem { list, index, .. } => {
                let Datum::Int(index) = self.value(index, variables)? else {
                    return Err(EvaluationFailure::Null.into());
                };
                let Some(Value::List(elements)) = self.find(list, variables)? else {
                    return Err(EvaluationFailure::NoSuchElement.into());
                };
                let element = usize::try_from(index).ok().and_then(|index| elements.get(index));
                Ok(element.ok_or(EvaluationFailure::NoSuchElement)?)
            }
            _ => Err(EvaluationFailure::NoSuchElement.into()),
        }
    }
}

/// Returns the type of a map's keys.
pub(crate) fn key_type(key: MapKey) -> &'static Type {
    match key {
        MapKey::Bool => &Type::Bool,
        MapKey::Integer(integer) if integer.is_unsigned() => &Type::Uint,
        MapKey::Integer(_) => &Type::Int,
        MapKey::String => &Type::String,
    }
}
