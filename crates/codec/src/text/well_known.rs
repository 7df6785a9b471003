//! Decodes well-known types from JSON text: Empty, FieldMask, and free-form JSON.

use super::Dialect;
use super::decode::{Decoder, duplicate};
use super::reader::TokenKind;
use super::scalar::{decode_text, expect};
use crate::limits::shrink_list;
use crate::{DecodeError, Value, field_mask, kinds, number};
use serde_json::{Map, Value as Json};

impl Decoder<'_> {
    pub(super) fn empty(&mut self) -> Result<Value, DecodeError> {
        expect(&mut self.reader, TokenKind::Object)?;
        self.reader.open(b'{')?;
        match self.reader.next_key(&mut true)? {
            None => Ok(Value::Empty),
            Some(_) => Err(DecodeError::new("unknown_field", "must be {}, since google.protobuf.Empty has no fields")),
        }
    }

    /// Reads a FieldMask. Clients can write `"a.b,cD"` or `{"paths": ["a.b", "cD"]}`; storage has an array of paths.
    pub(super) fn field_mask(&mut self) -> Result<Vec<String>, DecodeError> {
        match (self.dialect, self.reader.peek()?) {
            (Dialect::Storage, _) => self.paths(|path| Ok(path.to_owned())),
            (Dialect::Proto, TokenKind::String) => {
                let text = decode_text(&mut self.reader)?;
                if text.is_empty() {
                    return Ok(Vec::new());
                }
                self.limits.charge_elements(text.bytes().filter(|byte| *byte == b',').count() + 1)?;
                text.split(',').map(field_mask::parse_json_path).collect()
            }
            (Dialect::Proto, TokenKind::Object) => {
                self.reader.open(b'{')?;
                let mut paths = None;
                let mut first = true;
                while let Some(key) = self.reader.next_key(&mut first)? {
                    if key != "paths" {
                        let message = "is not a field of google.protobuf.FieldMask, which only has paths";
                        return Err(DecodeError::new("unknown_field", message).in_field(&key));
                    }
                    if paths.replace(self.paths(field_mask::parse_object_path)?).is_some() {
                        return Err(duplicate().in_field("paths"));
                    }
                }
                Ok(paths.unwrap_or_default())
            }
            (Dialect::Proto, other) => {
                Err(DecodeError::json_type("a string such as \"title,author.name\"", other.name()))
            }
        }
    }

    fn paths(&mut self, convert: fn(&str) -> Result<String, DecodeError>) -> Result<Vec<String>, DecodeError> {
        expect(&mut self.reader, TokenKind::Array)?;
        self.reader.open(b'[')?;
        let mut paths = Vec::new();
        let mut first = true;
        while self.reader.next_element(&mut first)? {
            self.limits.charge_elements(1)?;
            paths.push(convert(&decode_text(&mut self.reader)?)?);
        }
        Ok(paths)
    }

    /// Reads free-form JSON, such as a `google.protobuf.Value`.
    pub(super) fn free_form(&mut self) -> Result<Json, DecodeError> {
        self.limits.charge_json_value()?;
        match self.reader.peek()? {
            TokenKind::Null => self.reader.null().map(|()| Json::Null),
            TokenKind::Bool => self.reader.bool().map(Json::Bool),
            TokenKind::String => decode_text(&mut self.reader).map(|text| Json::String(text.into_owned())),
            TokenKind::Number => {
                let text = self.reader.number()?;
                let value = number::parse_double(text)?;
                if self.dialect == Dialect::Proto {
                    number::reject_inexact_integer(text, value)?;
                }
                // The value is finite, so this is never null.
                Ok(number::to_json_number(value).map_or(Json::Null, Json::Number))
            }
            TokenKind::Array => {
                self.limits.enter()?;
                let elements = self.free_form_array()?;
                self.limits.leave();
                Ok(Json::Array(elements))
            }
            TokenKind::Object => {
                self.limits.enter()?;
                let members = self.free_form_object()?;
                self.limits.leave();
                Ok(Json::Object(members))
            }
        }
    }

    fn free_form_array(&mut self) -> Result<Vec<Json>, DecodeError> {
        self.reader.open(b'[')?;
        let mut elements = Vec::new();
        let mut first = true;
        while self.reader.next_element(&mut first)? {
            elements.push(self.free_form().map_err(|error| error.at_index(elements.len()))?);
        }
        shrink_list(&mut elements);
        Ok(elements)
    }

    fn free_form_object(&mut self) -> Result<Map<String, Json>, DecodeError> {
        self.reader.open(b'{')?;
        let mut members = Map::new();
        let mut first = true;
        while let Some(key) = self.reader.next_key(&mut first)? {
            kinds::reject_nul(&key)?;
            let value = self.free_form().map_err(|error| error.at_key(&key))?;
            if members.contains_key(key.as_ref()) {
                return Err(duplicate().at_key(&key));
            }
            members.insert(key.into_owned(), value);
        }
        Ok(members)
    }
}
