//! Walks the bytes of a message.

use super::shapes::{Field, Kind, Shape, Shapes};
use prost::encoding::{WireType, decode_key, decode_varint};

/// The deepest nesting: what prost decodes.
const MAX_DEPTH: usize = 100;

const CUT_OFF: &str = "it is truncated, or its bytes are not protobuf";

/// Rejects bytes that do not match the definition. The error is the reason.
pub(super) fn check(shapes: &Shapes, shape: &Shape, bytes: &[u8]) -> Result<(), String> {
    walk(shapes, shape, bytes, 1).map_err(|Stray { path, why }| match path.as_str() {
        "" => why,
        path => format!("{path}: {why}"),
    })
}

/// What is wrong, and in which field: empty for the whole message.
struct Stray {
    path: String,
    why: String,
}

impl Stray {
    fn new(why: impl Into<String>) -> Self {
        Self { path: String::new(), why: why.into() }
    }

    fn within(mut self, step: &str) -> Self {
        let dot = if self.path.is_empty() { "" } else { "." };
        self.path = format!("{step}{dot}{}", self.path);
        self
    }
}

fn walk(shapes: &Shapes, shape: &Shape, bytes: &[u8], depth: usize) -> Result<(), Stray> {
    if depth > MAX_DEPTH {
        return Err(Stray::new(format!("it is nested deeper than {MAX_DEPTH} levels")));
    }
    let mut rest = bytes;
    while !rest.is_empty() {
        let (number, wire) = decode_key(&mut rest).map_err(|_| Stray::new(CUT_OFF))?;
        let unknown =
            || Stray::new(format!("{} has no field {number}; this server might be older than the client", shape.name));
        let field = shape.field(number).ok_or_else(unknown)?;
        let value = take(wire, &mut rest).ok_or_else(|| Stray::new(CUT_OFF))?;
        inside(shapes, field, (wire, value), depth).map_err(|stray| stray.within(&field.name))?;
    }
    Ok(())
}

/// Takes the bytes of a value off `rest`; `None` if they are missing or have no wire type of proto3.
fn take<'a>(wire: WireType, rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = match wire {
        WireType::Varint => {
            let mut behind = *rest;
            decode_varint(&mut behind).ok()?;
            rest.len() - behind.len()
        }
        WireType::ThirtyTwoBit => 4,
        WireType::SixtyFourBit => 8,
        WireType::LengthDelimited => usize::try_from(decode_varint(rest).ok()?).ok()?,
        WireType::StartGroup | WireType::EndGroup => return None,
    };
    let (value, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some(value)
}

/// Holds a value to its field.
fn inside(shapes: &Shapes, field: &Field, (wire, value): (WireType, &[u8]), depth: usize) -> Result<(), Stray> {
    let expected = match field.kind {
        Kind::Varint => WireType::Varint,
        Kind::Fixed32 => WireType::ThirtyTwoBit,
        Kind::Fixed64 => WireType::SixtyFourBit,
        Kind::Text | Kind::Bytes | Kind::Message(_) => WireType::LengthDelimited,
    };
    let is_packed = field.is_repeated && wire == WireType::LengthDelimited;
    if wire != expected && !is_packed {
        return Err(Stray::new("has another type on the wire than its definition says"));
    }
    match &field.kind {
        Kind::Text if std::str::from_utf8(value).is_err() => Err(Stray::new("must be valid UTF-8")),
        Kind::Message(name) => match shapes.message(name) {
            Some(shape) => walk(shapes, shape, value, depth + 1),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::shapes::SHAPES;
    use super::check;
    use crate::records::v1::write::Operation;
    use crate::records::v1::{CommitRequest, Delete, Write};
    use prost::Message as _;

    fn held(bytes: &[u8]) -> Result<(), String> {
        check(&SHAPES, SHAPES.request("groundplan.records.v1.CommitRequest").unwrap(), bytes)
    }

    fn commit() -> CommitRequest {
        let delete = Delete { model: "a.v1.B".into(), id: "7".into(), ..Delete::default() };
        let write = Write { operation: Some(Operation::Delete(delete)), condition: "true".into() };
        CommitRequest { writes: vec![write], request_id: "r".into(), ..CommitRequest::default() }
    }

    #[test]
    fn what_a_client_knows_passes() {
        held(&commit().encode_to_vec()).unwrap();
        held(&[]).unwrap();
    }

    #[test]
    fn unknown_fields_are_refused_at_every_depth() {
        let mut whole = commit().encode_to_vec();
        whole.extend_from_slice(&[0xF8, 0x07, 1]);
        assert!(held(&whole).unwrap_err().contains("CommitRequest has no field 127"));
        // writes[0] with the fields of no Write.
        assert!(
            held(&[0x0A, 3, 0xF8, 0x07, 1])
                .unwrap_err()
                .starts_with("writes: groundplan.records.v1.Write has no field 127")
        );
        // writes[0].create.record, a google.protobuf.Any, with its field 3.
        assert!(
            held(&[0x0A, 6, 0x0A, 4, 0x0A, 2, 0x18, 1])
                .unwrap_err()
                .starts_with("writes.create.record: google.protobuf.Any")
        );
    }

    #[test]
    fn what_is_no_protobuf_is_refused() {
        for bytes in [&[0x0A][..], &[0x0A, 5, 1], &[0x0B], &[0x80; 12], &[0x08, 1], &[0x0A, 2, 0xFF, 0xFF]] {
            assert!(held(bytes).is_err(), "{bytes:?}");
        }
    }
}
