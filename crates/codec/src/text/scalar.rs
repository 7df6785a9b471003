//! Scalars in JSON text.

use super::number_grammar::is_number;
use super::reader::{Reader, TokenKind};
use crate::error::{DecodeError, shorten_name};
use crate::{Value, kinds, nearest, number, time};
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, Engine, GeneralPurpose, GeneralPurposeConfig};
use groundplan_model::shape::{EnumShape, Integer, Kind, Shapes};
use std::borrow::Cow;

/// Accepts base64 with or without padding, like proto3 JSON.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT);

/// The maximum number of an enum's values that an error lists, and their maximum size in bytes.
const MAX_LISTED: usize = 20;
const MAX_LIST_BYTES: usize = 400;

/// Decodes a scalar, a Timestamp or a Duration.
pub(super) fn decode(shapes: &Shapes, kind: Kind, reader: &mut Reader<'_>) -> Result<Value, DecodeError> {
    Ok(match kind {
        Kind::Bool => {
            expect(reader, TokenKind::Bool)?;
            Value::Bool(reader.bool()?)
        }
        Kind::Integer(integer) => decode_integer(integer, reader)?,
        Kind::Float => Value::Double(decode_double(reader, number::parse_float)?),
        Kind::Double => Value::Double(decode_double(reader, number::parse_double)?),
        Kind::String => Value::String(decode_text(reader)?.into_owned()),
        Kind::Bytes => Value::Bytes(decode_bytes(&string(reader)?)?.into()),
        Kind::Enum(id) => decode_enum(shapes.enumeration(id), reader)?,
        Kind::Timestamp => Value::Timestamp(time::parse_timestamp(&string(reader)?)?),
        Kind::Duration => Value::Duration(time::parse_duration(&string(reader)?)?),
        _ => Value::Empty,
    })
}

/// Rejects a value of another type.
pub(super) fn expect(reader: &mut Reader<'_>, expected: TokenKind) -> Result<(), DecodeError> {
    let actual = reader.peek()?;
    if actual == expected { Ok(()) } else { Err(DecodeError::json_type(expected.name(), actual.name())) }
}

/// Reads a string with any content.
pub(super) fn string<'a>(reader: &mut Reader<'a>) -> Result<Cow<'a, str>, DecodeError> {
    expect(reader, TokenKind::String)?;
    reader.string()
}

/// Reads a string that PostgreSQL can store.
pub(super) fn decode_text<'a>(reader: &mut Reader<'a>) -> Result<Cow<'a, str>, DecodeError> {
    let text = string(reader)?;
    kinds::reject_nul(&text)?;
    Ok(text)
}

/// Reads the text of a number, or of a string with a number, which JSON uses for large integers.
fn number_text<'a>(reader: &mut Reader<'a>) -> Result<Cow<'a, str>, DecodeError> {
    match reader.peek()? {
        TokenKind::Number => reader.number().map(Cow::Borrowed),
        TokenKind::String => reader.string(),
        other => Err(DecodeError::json_type("a number", other.name())),
    }
}

fn decode_integer(integer: Integer, reader: &mut Reader<'_>) -> Result<Value, DecodeError> {
    parse_integer(integer, &number_text(reader)?)
}

/// Parses an integer.
fn parse_integer(integer: Integer, text: &str) -> Result<Value, DecodeError> {
    if !is_number(text) {
        return Err(not_a_number(text));
    }
    number::parse_integer(integer, text)
}

/// Parses an integer that is the key of a map.
pub(super) fn integer_key(integer: Integer, text: &str) -> Result<Value, DecodeError> {
    if !is_number(text) {
        let message = "is not a key of this map: its keys are whole numbers without leading zeros, such as \"1\"";
        return Err(DecodeError::new("map_key", message));
    }
    number::parse_integer(integer, text)
}

fn decode_double(reader: &mut Reader<'_>, parse: fn(&str) -> Result<f64, DecodeError>) -> Result<f64, DecodeError> {
    let text = number_text(reader)?;
    if let Some(special) = number::parse_special(&text) {
        return Ok(special);
    }
    if !is_number(&text) {
        return Err(not_a_number(&text));
    }
    parse(&text)
}

fn not_a_number(text: &str) -> DecodeError {
    DecodeError::json_type("a number", &format!("the string {:?}", shorten_name(text)))
}

fn decode_bytes(text: &str) -> Result<Vec<u8>, DecodeError> {
    let engine = if text.contains(['-', '_']) { &BASE64_URL } else { &BASE64 };
    engine.decode(text).map_err(|error| DecodeError::new("base64", not_base64(text, &error)))
}

#[cold]
fn not_base64(text: &str, error: &base64::DecodeError) -> String {
    let why = match error {
        base64::DecodeError::InvalidByte(at, _) => match text.get(*at..).and_then(|rest| rest.chars().next()) {
            Some('=') => "it has `=` before its end".to_owned(),
            Some(letter) => format!("{letter:?} at byte {at} is not a character of it"),
            None => "it has characters of other alphabets".to_owned(),
        },
        _ => "it ends within a group of four characters".to_owned(),
    };
    format!("must be base64 (A-Z, a-z, 0-9, + and /, or - and _ instead of these): {why}")
}

/// Writes bytes in standard base64 with padding.
pub(super) fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    if let Some(space) = out.get_mut(start..) {
        // The space has the exact size.
        let _ = BASE64.encode_slice(bytes, space);
    }
    out.push(b'"');
}

fn decode_enum(shape: &EnumShape, reader: &mut Reader<'_>) -> Result<Value, DecodeError> {
    match reader.peek()? {
        TokenKind::Number => match number::parse_integer(Integer::Int32, reader.number()?)? {
            Value::Int(number) => Ok(Value::Enum(i32::try_from(number).unwrap_or_default())),
            _ => Ok(Value::Enum(0)),
        },
        TokenKind::String => {
            let name = reader.string()?;
            shape.number(&name).map(Value::Enum).ok_or_else(|| unknown_enum_value(shape, &name))
        }
        TokenKind::Null if kinds::is_null_value(shape) => reader.null().map(|()| Value::Enum(0)),
        other => Err(DecodeError::json_type(&format!("a value of {}", shape.full_name), other.name())),
    }
}

#[cold]
fn unknown_enum_value(shape: &EnumShape, name: &str) -> DecodeError {
    let names = || shape.values.iter().map(|(name, _)| name.as_str());
    let suggestion = nearest::suggestion(name, names());
    let mut listed = String::new();
    for (at, name) in names().enumerate() {
        if at >= MAX_LISTED || listed.len() + name.len() > MAX_LIST_BYTES {
            listed.push_str(&format!(" and {} more", shape.values.len() - at));
            break;
        }
        listed.push_str(if at == 0 { "" } else { ", " });
        listed.push_str(name);
    }
    let message = format!(
        "must be a value of {} (the values are {listed}), not {:?}{suggestion}",
        shape.full_name,
        shorten_name(name)
    );
    DecodeError::new("enum", message)
}
