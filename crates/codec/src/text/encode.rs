//! Encodes records as JSON text.

use super::{Dialect, scalar};
use crate::value::{Record, Value};
use crate::{field_mask, kinds, number, time};
use groundplan_model::shape::{Cardinality, Field, Kind, ShapeId, Shapes};
use serde_json::Value as Json;

/// Writes JSON text.
pub(crate) struct Encoder<'a> {
    pub(crate) shapes: &'a Shapes,
    pub(crate) dialect: Dialect,
    pub(crate) out: &'a mut Vec<u8>,
}

impl Encoder<'_> {
    pub(crate) fn record(&mut self, shape: ShapeId, record: &Record) {
        let shapes = self.shapes;
        self.out.push(b'{');
        let mut first = true;
        for (id, field) in shapes.get(shape).iter() {
            let value = record.get(id);
            if !self.is_written(field, value) {
                continue;
            }
            self.separate(&mut first);
            self.key(match self.dialect {
                Dialect::Proto => &field.json_name,
                Dialect::Storage => &field.storage_name,
            });
            match value {
                Some(value) => self.field(field, value),
                None => self.zero(field),
            }
        }
        if self.dialect == Dialect::Storage
            && let Some(members) = record.unknown()
        {
            self.separate(&mut first);
            self.raw(members);
        }
        self.out.push(b'}');
    }

    /// Writes a field's value.
    pub(crate) fn field(&mut self, field: &Field, value: &Value) {
        match (field.cardinality, value) {
            (Cardinality::Repeated, Value::List(elements)) => self.array(elements, |this, element| {
                this.value(field.kind, element);
            }),
            (Cardinality::Map(key), Value::Map(entries)) => {
                let key_kind = key.kind();
                self.out.push(b'{');
                let mut first = true;
                for (key, value) in entries {
                    self.separate(&mut first);
                    self.map_key(key_kind, key);
                    self.value(field.kind, value);
                }
                self.out.push(b'}');
            }
            _ => self.value(field.kind, value),
        }
    }

    /// Whether a field is written. Clients see zeros of fields without presence, and never input-only fields.
    fn is_written(&self, field: &Field, value: Option<&Value>) -> bool {
        match self.dialect {
            Dialect::Storage => value.is_some(),
            Dialect::Proto if field.behavior.input_only => false,
            Dialect::Proto => {
                value.is_some() || !matches!(field.cardinality, Cardinality::Explicit | Cardinality::Oneof(_))
            }
        }
    }

    fn zero(&mut self, field: &Field) {
        match (field.cardinality, kinds::zero(field.kind)) {
            (Cardinality::Repeated, _) => self.raw("[]"),
            (Cardinality::Map(_), _) => self.raw("{}"),
            (_, Some(zero)) => self.value(field.kind, &zero),
            (_, None) => self.raw("null"),
        }
    }

    fn value(&mut self, kind: Kind, value: &Value) {
        match (kind, value) {
            (Kind::Wrapper(wrapped), value) => self.value(wrapped.kind(), value),
            (_, Value::Bool(value)) => self.raw(if *value { "true" } else { "false" }),
            (Kind::Integer(integer), Value::Int(value)) => {
                self.integer(integer.is_64_bit(), |out| number::write_int(*value, out));
            }
            (_, Value::Int(value)) => number::write_int(*value, self.out),
            (_, Value::Uint(value)) => self.integer(true, |out| number::write_uint(*value, out)),
            (kind, Value::Double(value)) => self.double(kind, *value),
            (_, Value::String(text)) => self.string(text),
            (_, Value::Bytes(bytes)) => scalar::write_bytes(bytes, self.out),
            (kind, Value::Enum(number)) => self.enumeration(kind, *number),
            (_, Value::Timestamp(micros)) => self.quoted(|out| time::write_timestamp(*micros, out)),
            (_, Value::Duration(micros)) => self.quoted(|out| time::write_duration(*micros, out)),
            (Kind::Message(shape), Value::Message(record)) => self.record(shape, record),
            (_, Value::FieldMask(paths)) => self.field_mask(paths),
            (_, Value::Json(value)) => self.free_form(value),
            (_, Value::Empty) => self.raw("{}"),
            // Not of the field's kind, which cannot happen.
            (_, Value::Message(_) | Value::List(_) | Value::Map(_)) => self.raw("null"),
        }
    }

    fn integer(&mut self, is_64_bit: bool, write: impl FnOnce(&mut Vec<u8>)) {
        if is_64_bit && self.dialect == Dialect::Proto {
            self.quoted(write);
        } else {
            write(self.out);
        }
    }

    fn double(&mut self, kind: Kind, value: f64) {
        if let Some(word) = number::special_name(value) {
            self.string(word);
        } else if value == 0.0 && value.is_sign_negative() {
            match self.dialect {
                // The numbers of `jsonb` have no negative zero.
                Dialect::Storage => self.string("-0"),
                // Without the fraction, many readers take it for the integer zero, which has no sign.
                Dialect::Proto => self.out.extend_from_slice(b"-0.0"),
            }
        } else if kind == Kind::Float {
            number::write_float(number::narrow(value), self.out);
        } else {
            number::write_double(value, self.out);
        }
    }

    fn enumeration(&mut self, kind: Kind, number: i32) {
        let shape = match (self.dialect, kind) {
            (Dialect::Proto, Kind::Enum(id)) => Some(self.shapes.enumeration(id)),
            _ => None,
        };
        match shape.and_then(|shape| Some((shape, shape.name(number)?))) {
            Some((shape, _)) if kinds::is_null_value(shape) => self.raw("null"),
            Some((_, name)) => self.string(name),
            None => number::write_int(number.into(), self.out),
        }
    }

    fn field_mask(&mut self, paths: &[String]) {
        match self.dialect {
            Dialect::Storage => self.array(paths, |this, path| this.string(path)),
            Dialect::Proto => {
                let camel: Vec<String> = paths.iter().map(|path| field_mask::to_camel(path)).collect();
                self.string(&camel.join(","));
            }
        }
    }

    fn free_form(&mut self, value: &Json) {
        match value {
            Json::Null => self.raw("null"),
            Json::Bool(value) => self.raw(if *value { "true" } else { "false" }),
            Json::Number(value) => match value.as_i64() {
                Some(value) => number::write_int(value, self.out),
                None => number::write_double(value.as_f64().unwrap_or_default(), self.out),
            },
            Json::String(text) => self.string(text),
            Json::Array(elements) => self.array(elements, Self::free_form),
            Json::Object(members) => {
                self.out.push(b'{');
                let mut first = true;
                for (key, value) in members {
                    self.separate(&mut first);
                    self.key(key);
                    self.free_form(value);
                }
                self.out.push(b'}');
            }
        }
    }

    fn array<T>(&mut self, elements: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.out.push(b'[');
        let mut first = true;
        for element in elements {
            self.separate(&mut first);
            write(self, element);
        }
        self.out.push(b']');
    }

    fn map_key(&mut self, kind: Kind, key: &Value) {
        match key {
            Value::String(key) => self.string(key),
            Value::Int(key) => self.quoted(|out| number::write_int(*key, out)),
            Value::Uint(key) => self.quoted(|out| number::write_uint(*key, out)),
            key => {
                self.out.push(b'"');
                self.value(kind, key);
                self.out.push(b'"');
            }
        }
        self.out.push(b':');
    }

    fn key(&mut self, key: &str) {
        self.string(key);
        self.out.push(b':');
    }

    fn string(&mut self, text: &str) {
        // Writing to a vector does not fail.
        let _ = serde_json::to_writer(&mut *self.out, text);
    }

    fn quoted(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.out.push(b'"');
        write(self.out);
        self.out.push(b'"');
    }

    fn raw(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn separate(&mut self, first: &mut bool) {
        if !std::mem::take(first) {
            self.out.push(b',');
        }
    }
}
