//! Reading fields.

use super::{Datum, Evaluator, Failure, Variable, Variables};
use crate::ir::{Absent, Expr, Field, Root, Type};
use groundplan_codec::{Record, Value};
use groundplan_model::shape::{FieldId, MapKey};

impl Evaluator<'_> {
    /// A scalar.
    pub(super) fn field<'e>(&'e self, field: &'e Field, variables: Variables<'_, 'e>) -> Result<Datum<'e>, Failure> {
        if let Some(value) = self.find(field, variables)? {
            return Datum::of_value(value, &field.ty).ok_or(Failure::Null);
        }
        match field.absent {
            Absent::Zero => Datum::zero(&field.ty).ok_or(Failure::Null),
            Absent::Null => Ok(Datum::Null),
            Absent::Error => Err(Failure::Absent),
        }
    }

    pub(super) fn has<'e>(&'e self, field: &'e Field, variables: Variables<'_, 'e>) -> Result<bool, Failure> {
        // What does not differ from zero is not there.
        Ok(self.find(field, variables)?.is_some())
    }

    /// The value of a field, wherever it is.
    fn find<'e>(&'e self, field: &'e Field, variables: Variables<'_, 'e>) -> Result<Option<&'e Value>, Failure> {
        let mut record = match &field.root {
            Root::Record => self.record,
            Root::Related { reference, .. } => self.related(*reference).ok_or(Failure::Absent)?,
            Root::Variable(level) => {
                let variable = variables.get(*level).ok_or(Failure::Absent)?;
                match (field.steps.is_empty(), variable.value) {
                    (true, value) => return Ok(Some(value)),
                    (false, Value::Message(record)) => record,
                    (false, _) => return Ok(None),
                }
            }
            Root::Element(element) => match self.element(element, variables)? {
                Value::Message(record) => record,
                _ => return Ok(None),
            },
        };
        let Some((last, way)) = field.steps.split_last() else { return Ok(None) };
        for step in way {
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

    /// The elements of a repeated field, or the keys of a map, as variables.
    pub(super) fn raw_elements<'e>(
        &'e self,
        list: &'e Field,
        variables: Variables<'_, 'e>,
    ) -> Result<impl Iterator<Item = Variable<'e>>, Failure> {
        let (elements, entries, ty) = match (self.find(list, variables)?, &list.ty) {
            (Some(Value::List(elements)), Type::List(ty)) => (&elements[..], &[][..], &**ty),
            (Some(Value::Map(entries)), Type::Map(key, _)) => (&[][..], &entries[..], key_type(*key)),
            _ => (&[][..], &[][..], &Type::Null),
        };
        let keys = entries.iter().map(|(key, _)| key);
        Ok(elements.iter().chain(keys).map(move |value| Variable { value, ty }))
    }

    /// The same as values.
    pub(super) fn elements<'e>(
        &'e self,
        list: &'e Field,
        variables: Variables<'_, 'e>,
    ) -> Result<impl Iterator<Item = Datum<'e>>, Failure> {
        let elements = self.raw_elements(list, variables)?;
        Ok(elements.filter_map(|element| Datum::of_value(element.value, element.ty)))
    }

    pub(super) fn length<'e>(&'e self, list: &'e Field, variables: Variables<'_, 'e>) -> Result<usize, Failure> {
        Ok(self.raw_elements(list, variables)?.count())
    }

    /// `map[key]` or `list[index]`.
    pub(super) fn element<'e>(&'e self, element: &'e Expr, variables: Variables<'_, 'e>) -> Result<&'e Value, Failure> {
        match element {
            Expr::MapValue { map, key, .. } => {
                let key = self.value(key, variables)?;
                let (Some(Value::Map(entries)), Type::Map(key_kind, _)) = (self.find(map, variables)?, &map.ty) else {
                    return Err(Failure::NoSuchElement);
                };
                let is_key = |entry: &&(Value, Value)| {
                    Datum::of_value(&entry.0, key_type(*key_kind)).is_some_and(|found| found.equals(&key))
                };
                entries.iter().find(is_key).map(|(_, value)| value).ok_or(Failure::NoSuchElement)
            }
            Expr::ListItem { list, index, .. } => {
                let Datum::Int(index) = self.value(index, variables)? else { return Err(Failure::Null) };
                let Some(Value::List(elements)) = self.find(list, variables)? else {
                    return Err(Failure::NoSuchElement);
                };
                let element = usize::try_from(index).ok().and_then(|index| elements.get(index));
                element.ok_or(Failure::NoSuchElement)
            }
            _ => Err(Failure::NoSuchElement),
        }
    }
}

/// The type of a map's keys.
pub(crate) fn key_type(key: MapKey) -> &'static Type {
    match key {
        MapKey::Bool => &Type::Bool,
        MapKey::Integer(integer) if integer.is_unsigned() => &Type::Uint,
        MapKey::Integer(_) => &Type::Int,
        MapKey::String => &Type::String,
    }
}
