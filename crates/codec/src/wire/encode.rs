//! Encodes records as wire bytes.

use super::sink::{Body, Counter, Sink, Writer};
use super::{WireType, wire_type};
use crate::value::{Record, Value};
use crate::{number, time};
use bytes::BufMut;
use groundplan_model::shape::{Cardinality, Field, Integer, Kind, ShapeId, Shapes};
use serde_json::Value as Json;

/// Encodes a record into a buffer.
pub(super) fn write(shapes: &Shapes, shape: ShapeId, record: &Record, out: &mut impl BufMut) {
    Message { shapes, shape, record }.write(&mut Writer(out));
}

/// Counts the bytes of an encoded record.
pub(super) fn count(shapes: &Shapes, shape: ShapeId, record: &Record) -> usize {
    let mut counter = Counter(0);
    Message { shapes, shape, record }.write(&mut counter);
    counter.0
}

struct Message<'a> {
    shapes: &'a Shapes,
    shape: ShapeId,
    record: &'a Record,
}

impl Body for Message<'_> {
    fn write(&self, sink: &mut impl Sink) {
        let shape = self.shapes.get(self.shape);
        for (id, value) in self.record.iter() {
            let field = shape.field(id);
            match (field.cardinality, value) {
                (Cardinality::Repeated, Value::List(elements)) => list(self.shapes, field, elements, sink),
                (Cardinality::Map(key), Value::Map(entries)) => {
                    for (entry_key, value) in entries {
                        sink.tag(field.number, WireType::Delimited);
                        let key = (key.kind(), entry_key);
                        sink.delimited(&Entry { shapes: self.shapes, key, value: (field.kind, value) });
                    }
                }
                _ => encode_tagged(self.shapes, field.number, field.kind, value, sink),
            }
        }
    }
}

fn list(shapes: &Shapes, field: &Field, elements: &[Value], sink: &mut impl Sink) {
    if wire_type(field.kind) != WireType::Delimited {
        sink.tag(field.number, WireType::Delimited);
        sink.delimited(&Packed { shapes, kind: field.kind, elements });
        return;
    }
    for element in elements {
        encode_tagged(shapes, field.number, field.kind, element, sink);
    }
}

struct Packed<'a> {
    shapes: &'a Shapes,
    kind: Kind,
    elements: &'a [Value],
}

impl Body for Packed<'_> {
    fn write(&self, sink: &mut impl Sink) {
        for element in self.elements {
            encode_untagged(self.shapes, self.kind, element, sink);
        }
    }
}

struct Entry<'a> {
    shapes: &'a Shapes,
    key: (Kind, &'a Value),
    value: (Kind, &'a Value),
}

impl Body for Entry<'_> {
    fn write(&self, sink: &mut impl Sink) {
        encode_tagged(self.shapes, 1, self.key.0, self.key.1, sink);
        encode_tagged(self.shapes, 2, self.value.0, self.value.1, sink);
    }
}

fn encode_tagged(shapes: &Shapes, number: u32, kind: Kind, value: &Value, sink: &mut impl Sink) {
    sink.tag(number, wire_type(kind));
    encode_untagged(shapes, kind, value, sink);
}

/// Writes a value without a tag. The kind decides the encoding, so that the bytes are well-formed for any value.
fn encode_untagged(shapes: &Shapes, kind: Kind, value: &Value, sink: &mut impl Sink) {
    match (kind, value) {
        (Kind::Bool, Value::Bool(value)) => sink.varint(u64::from(*value)),
        (Kind::Integer(integer), Value::Int(value)) => encode_integer(integer, *value, sink),
        (Kind::Integer(integer), Value::Uint(value)) => encode_integer(integer, value.cast_signed(), sink),
        (Kind::Float, Value::Double(value)) => sink.bytes(&number::narrow(*value).to_le_bytes()),
        (Kind::Double, Value::Double(value)) => sink.bytes(&value.to_le_bytes()),
        (Kind::String, Value::String(value)) => sink.delimited_bytes(value.as_bytes()),
        (Kind::Bytes, Value::Bytes(value)) => sink.delimited_bytes(value),
        (Kind::Enum(_), Value::Enum(value)) => sink.varint(i64::from(*value).cast_unsigned()),
        (Kind::Message(shape), Value::Message(record)) => sink.delimited(&Message { shapes, shape, record }),
        (Kind::Timestamp, Value::Timestamp(micros)) => sink.delimited(&Parts(time::timestamp_parts(*micros))),
        (Kind::Duration, Value::Duration(micros)) => sink.delimited(&Parts(time::duration_parts(*micros))),
        (Kind::Wrapper(wrapped), value) => {
            sink.delimited(&Wrapper { shapes, kind: wrapped.kind(), value });
        }
        (Kind::FieldMask, Value::FieldMask(paths)) => sink.delimited(&Paths(paths)),
        (Kind::Struct | Kind::ListValue, Value::Json(value)) => sink.delimited(&Container(value)),
        (Kind::Value, Value::Json(value)) => sink.delimited(&Any(value)),
        _ => encode_zero(kind, sink),
    }
}

/// Writes zero instead of a value that is not of its field's kind, which cannot happen.
fn encode_zero(kind: Kind, sink: &mut impl Sink) {
    match wire_type(kind) {
        WireType::Varint | WireType::Delimited => sink.varint(0),
        WireType::Fixed32 => sink.bytes(&[0; 4]),
        WireType::Fixed64 => sink.bytes(&[0; 8]),
    }
}

/// Writes an integer. Unsigned integers of 64 bits are passed as signed ones with the same bits.
#[expect(clippy::cast_possible_truncation, reason = "values of these types have 32 bits")]
fn encode_integer(integer: Integer, value: i64, sink: &mut impl Sink) {
    match integer {
        Integer::Int32 | Integer::Int64 | Integer::Uint32 | Integer::Uint64 => sink.varint(value.cast_unsigned()),
        Integer::Sint32 | Integer::Sint64 => sink.varint(((value << 1) ^ (value >> 63)).cast_unsigned()),
        Integer::Sfixed32 | Integer::Fixed32 => sink.bytes(&(value as i32).to_le_bytes()),
        Integer::Sfixed64 | Integer::Fixed64 => sink.bytes(&value.to_le_bytes()),
    }
}

/// The seconds and nanoseconds of a Timestamp or Duration.
struct Parts((i64, i64));

impl Body for Parts {
    fn write(&self, sink: &mut impl Sink) {
        for (number, part) in [(1, self.0.0), (2, self.0.1)] {
            if part != 0 {
                sink.tag(number, WireType::Varint);
                sink.varint(part.cast_unsigned());
            }
        }
    }
}

struct Wrapper<'a> {
    shapes: &'a Shapes,
    kind: Kind,
    value: &'a Value,
}

impl Body for Wrapper<'_> {
    fn write(&self, sink: &mut impl Sink) {
        if !self.value.is_zero() {
            encode_tagged(self.shapes, 1, self.kind, self.value, sink);
        }
    }
}

struct Paths<'a>(&'a [String]);

impl Body for Paths<'_> {
    fn write(&self, sink: &mut impl Sink) {
        for path in self.0 {
            sink.tag(1, WireType::Delimited);
            sink.delimited_bytes(path.as_bytes());
        }
    }
}

/// A Struct or a ListValue.
struct Container<'a>(&'a Json);

impl Body for Container<'_> {
    fn write(&self, sink: &mut impl Sink) {
        match self.0 {
            Json::Object(members) => {
                for (key, value) in members {
                    sink.tag(1, WireType::Delimited);
                    sink.delimited(&Member { key, value });
                }
            }
            Json::Array(elements) => {
                for element in elements {
                    sink.tag(1, WireType::Delimited);
                    sink.delimited(&Any(element));
                }
            }
            _ => {}
        }
    }
}

/// An entry of a Struct's map.
struct Member<'a> {
    key: &'a str,
    value: &'a Json,
}

impl Body for Member<'_> {
    fn write(&self, sink: &mut impl Sink) {
        sink.tag(1, WireType::Delimited);
        sink.delimited_bytes(self.key.as_bytes());
        sink.tag(2, WireType::Delimited);
        sink.delimited(&Any(self.value));
    }
}

/// A `google.protobuf.Value`.
struct Any<'a>(&'a Json);

impl Body for Any<'_> {
    fn write(&self, sink: &mut impl Sink) {
        match self.0 {
            Json::Null => {
                sink.tag(1, WireType::Varint);
                sink.varint(0);
            }
            Json::Number(number) => {
                sink.tag(2, WireType::Fixed64);
                sink.bytes(&number.as_f64().unwrap_or_default().to_le_bytes());
            }
            Json::String(text) => {
                sink.tag(3, WireType::Delimited);
                sink.delimited_bytes(text.as_bytes());
            }
            Json::Bool(value) => {
                sink.tag(4, WireType::Varint);
                sink.varint(u64::from(*value));
            }
            Json::Object(_) => {
                sink.tag(5, WireType::Delimited);
                sink.delimited(&Container(self.0));
            }
            Json::Array(_) => {
                sink.tag(6, WireType::Delimited);
                sink.delimited(&Container(self.0));
            }
        }
    }
}
