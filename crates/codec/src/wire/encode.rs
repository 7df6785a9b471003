//! Records to wire bytes.
//!
//! What is written goes to a [`Sink`], which is a buffer or counts. The length of a nested message is counted before it
//! is written, and a message that is only counted is counted once.

use super::{WireType, wire_type};
use crate::value::{Record, Value};
use crate::{number, time};
use bytes::BufMut;
use groundplan_model::shape::{Cardinality, Field, Integer, Kind, ShapeId, Shapes};
use serde_json::Value as Json;

/// Writes a record to a buffer.
pub(super) fn write(shapes: &Shapes, shape: ShapeId, record: &Record, out: &mut impl BufMut) {
    Message { shapes, shape, record }.write(&mut Writer(out));
}

/// Counts the bytes of a record.
pub(super) fn count(shapes: &Shapes, shape: ShapeId, record: &Record) -> usize {
    let mut counter = Counter(0);
    Message { shapes, shape, record }.write(&mut counter);
    counter.0
}

/// Where bytes go.
trait Sink {
    fn bytes(&mut self, bytes: &[u8]);

    fn varint(&mut self, value: u64);

    /// A body behind its length.
    fn delimited(&mut self, body: &impl Body);

    fn tag(&mut self, number: u32, wire_type: WireType) {
        self.varint(u64::from(number) << 3 | wire_type as u64);
    }

    /// Bytes behind their length.
    fn delimited_bytes(&mut self, bytes: &[u8]) {
        self.varint(bytes.len() as u64);
        self.bytes(bytes);
    }
}

/// What stands between a length and the next field.
trait Body {
    fn write(&self, sink: &mut impl Sink);
}

struct Counter(usize);

impl Sink for Counter {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0 += bytes.len();
    }

    fn varint(&mut self, value: u64) {
        self.0 += (64 - (value | 1).leading_zeros()).div_ceil(7) as usize;
    }

    fn delimited(&mut self, body: &impl Body) {
        let before = self.0;
        body.write(self);
        self.varint((self.0 - before) as u64);
    }
}

struct Writer<'b, B>(&'b mut B);

impl<B: BufMut> Sink for Writer<'_, B> {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.put_slice(bytes);
    }

    #[expect(clippy::cast_possible_truncation, reason = "only seven bits are left of it")]
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.put_u8((value & 0x7F | 0x80) as u8);
            value >>= 7;
        }
        self.0.put_u8(value as u8);
    }

    fn delimited(&mut self, body: &impl Body) {
        let mut counter = Counter(0);
        body.write(&mut counter);
        self.varint(counter.0 as u64);
        body.write(self);
    }
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
                _ => tagged(self.shapes, field.number, field.kind, value, sink),
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
        tagged(shapes, field.number, field.kind, element, sink);
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
            bare(self.shapes, self.kind, element, sink);
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
        tagged(self.shapes, 1, self.key.0, self.key.1, sink);
        tagged(self.shapes, 2, self.value.0, self.value.1, sink);
    }
}

fn tagged(shapes: &Shapes, number: u32, kind: Kind, value: &Value, sink: &mut impl Sink) {
    sink.tag(number, wire_type(kind));
    bare(shapes, kind, value, sink);
}

/// Writes a value without tag. The kind decides how, so that the bytes are well-formed whatever the value is.
fn bare(shapes: &Shapes, kind: Kind, value: &Value, sink: &mut impl Sink) {
    match (kind, value) {
        (Kind::Bool, Value::Bool(value)) => sink.varint(u64::from(*value)),
        (Kind::Integer(integer), Value::Int(value)) => bare_integer(integer, *value, sink),
        (Kind::Integer(integer), Value::Uint(value)) => bare_integer(integer, value.cast_signed(), sink),
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
        _ => absent(kind, sink),
    }
}

/// Writes zero in place of a value that is not of its field's kind, which nothing in this suite makes.
fn absent(kind: Kind, sink: &mut impl Sink) {
    match wire_type(kind) {
        WireType::Varint | WireType::Delimited => sink.varint(0),
        WireType::Fixed32 => sink.bytes(&[0; 4]),
        WireType::Fixed64 => sink.bytes(&[0; 8]),
    }
}

/// Unsigned integers of 64 bits come as the signed ones of the same bits.
#[expect(clippy::cast_possible_truncation, reason = "values of these types have 32 bits")]
fn bare_integer(integer: Integer, value: i64, sink: &mut impl Sink) {
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
            tagged(self.shapes, 1, self.kind, self.value, sink);
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
