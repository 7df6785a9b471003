//! Writes a JSON object member by member.

use crate::projection::Projection;
use groundplan_codec::{Record, json};
use groundplan_model::catalog::Model;
use serde_json::Value;

/// The capacity for a typical record, in bytes, so that most texts are allocated once.
pub(super) const RECORD_ROOM: usize = 512;

/// The prefix of a full name in a type URL.
pub(crate) const TYPE_URL: &str = "type.googleapis.com/";

/// An object without its closing brace, appended to other text.
#[derive(Debug)]
pub(super) struct Object<'a> {
    out: &'a mut Vec<u8>,
    is_empty: bool,
}

impl<'a> Object<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, is_empty: true }
    }

    /// Adds a record or its projection.
    pub(super) fn record(&mut self, name: &str, model: &Model, shown: Option<&Projection>, record: &Record) {
        self.key(name);
        write_record(model, shown, record, self.out);
    }

    /// Adds a whole record with the name of its model, as in a `google.protobuf.Any`.
    pub(super) fn typed_record(&mut self, name: &str, model: &Model, record: &Record) {
        self.key(name);
        self.out.extend_from_slice(format!("{{\"@type\":\"{TYPE_URL}{}\"", model.full_name).as_bytes());
        let mut whole = Vec::with_capacity(RECORD_ROOM);
        write_record(model, None, record, &mut whole);
        match whole.strip_prefix(b"{") {
            Some(members) if members != b"}" => {
                self.out.push(b',');
                self.out.extend_from_slice(members);
            }
            _ => self.out.push(b'}'),
        }
    }

    /// Adds a value.
    pub(super) fn member(&mut self, name: &str, value: impl Into<Value>) {
        self.key(name);
        self.out.extend_from_slice(value.into().to_string().as_bytes());
    }

    /// Adds the JSON names of fields; nothing if there are none.
    pub(super) fn fields(&mut self, name: &str, model: &Model, fields: &[String]) {
        if fields.is_empty() {
            return;
        }
        let known = &model.shape().fields;
        let json_name = |name: &String| {
            let field = known.iter().find(|field| field.name == *name);
            field.map_or_else(|| name.clone(), |field| field.json_name.clone())
        };
        self.member(name, fields.iter().map(json_name).collect::<Vec<_>>());
    }

    /// Closes the object.
    pub(super) fn end(self) {
        self.out.push(b'}');
    }

    fn key(&mut self, name: &str) {
        if !self.is_empty {
            self.out.push(b',');
        }
        self.is_empty = false;
        self.out.extend_from_slice(format!("\"{name}\":").as_bytes());
    }
}

/// Writes a record or its projection.
pub(super) fn write_record(model: &Model, shown: Option<&Projection>, record: &Record, out: &mut Vec<u8>) {
    let Some(shown) = shown else {
        return json::encode(&model.shapes, model.shape, record, out);
    };
    let mut whole = Vec::with_capacity(RECORD_ROOM);
    json::encode(&model.shapes, model.shape, record, &mut whole);
    shown.copy(&whole, out);
}
