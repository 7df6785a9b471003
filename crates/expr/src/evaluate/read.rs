//! Reading fields.

use super::{Datum, Evaluator, Failure, Variable, Variables};
use crate::ir::{Absent, Field, Root, Type};
use groundplan_codec::{Record, Value};
use groundplan_model::shape::{Cardinality, FieldId, Kind, MapKey, Shape};

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
        let value = self.find(field, variables)?;
        Ok(match value {
            None => false,
            // Negative zero is kept, but does not differ from zero.
            Some(Value::Double(value)) if *value == 0.0 => self.has_presence(field, variables),
            Some(_) => true,
        })
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

    /// Whether a field can be set to zero.
    fn has_presence<'e>(&'e self, field: &'e Field, variables: Variables<'_, 'e>) -> bool {
        let shapes = &self.scope.catalog.shapes;
        let mut shape: &Shape = match &field.root {
            Root::Record => self.scope.model.shape(),
            Root::Related { model, .. } => model.shape(),
            Root::Variable(level) => match variables.get(*level).map(|variable| variable.ty) {
                Some(Type::Message(shape)) => shapes.get(*shape),
                _ => return true,
            },
        };
        let mut cardinality = Cardinality::Explicit;
        for step in &field.steps {
            let next = shape.field(*step);
            cardinality = next.cardinality;
            if let Kind::Message(id) = next.kind {
                shape = shapes.get(id);
            }
        }
        !matches!(cardinality, Cardinality::Implicit)
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

    pub(super) fn map_value<'e>(
        &'e self,
        map: &'e Field,
        key: &Datum<'_>,
        ty: &Type,
        variables: Variables<'_, 'e>,
    ) -> Result<Datum<'e>, Failure> {
        let (Some(Value::Map(entries)), Type::Map(key_kind, _)) = (self.find(map, variables)?, &map.ty) else {
            return Err(Failure::NoSuchElement);
        };
        let is_key = |entry: &&(Value, Value)| {
            Datum::of_value(&entry.0, key_type(*key_kind)).is_some_and(|found| found.equals(key))
        };
        let (_, value) = entries.iter().find(is_key).ok_or(Failure::NoSuchElement)?;
        Datum::of_value(value, ty).ok_or(Failure::Null)
    }

    pub(super) fn list_item<'e>(
        &'e self,
        list: &'e Field,
        index: &Datum<'_>,
        ty: &Type,
        variables: Variables<'_, 'e>,
    ) -> Result<Datum<'e>, Failure> {
        let Datum::Int(index) = index else { return Err(Failure::Null) };
        let Some(Value::List(elements)) = self.find(list, variables)? else { return Err(Failure::NoSuchElement) };
        let element = usize::try_from(*index).ok().and_then(|index| elements.get(index));
        Datum::of_value(element.ok_or(Failure::NoSuchElement)?, ty).ok_or(Failure::Null)
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
