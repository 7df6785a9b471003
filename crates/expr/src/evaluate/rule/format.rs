//! `"%s is %d".format([a, b])` of CEL's string extension.

use crate::evaluate::{Datum, EvaluationFailure};
use crate::ir::{Notation, Piece};
use chrono::{DateTime, SecondsFormat};
use std::fmt::Write as _;

/// Formats the pieces with the arguments.
pub(super) fn format(pieces: &[Piece], arguments: &[Datum<'_>]) -> Result<String, EvaluationFailure> {
    let mut text = String::new();
    let mut arguments = arguments.iter();
    for piece in pieces {
        match piece {
            Piece::Text(piece) => text.push_str(piece),
            Piece::Argument(notation) => {
                let argument = arguments.next().ok_or(EvaluationFailure::Absent)?;
                write(*notation, argument, &mut text)?;
            }
        }
    }
    Ok(text)
}

/// Writes an argument. Writing to a string does not fail.
fn write(notation: Notation, argument: &Datum<'_>, text: &mut String) -> Result<(), EvaluationFailure> {
    match (notation, argument) {
        (Notation::Text, argument) => text.push_str(&to_text(argument)?),
        (Notation::Decimal, argument) => _ = write!(text, "{}", integer(argument)?),
        (Notation::Fixed(digits), Datum::Double(number)) => _ = write!(text, "{number:.digits$}"),
        (Notation::Fixed(digits), argument) => _ = write!(text, "{}.{}", integer(argument)?, "0".repeat(digits)),
        (Notation::Scientific(digits), Datum::Double(number)) => text.push_str(&scientific(*number, digits)),
        (Notation::Hex { upper }, argument) => text.push_str(&hex(argument, upper)?),
        (Notation::Octal, argument) => text.push_str(&signed(argument, |number| format!("{number:o}"))?),
        (Notation::Binary, Datum::Bool(value)) => text.push(if *value { '1' } else { '0' }),
        (Notation::Binary, argument) => text.push_str(&signed(argument, |number| format!("{number:b}"))?),
        (Notation::Scientific(_), _) => return Err(EvaluationFailure::Null),
    }
    Ok(())
}

fn integer(argument: &Datum<'_>) -> Result<i128, EvaluationFailure> {
    argument.integer().ok_or(EvaluationFailure::Null)
}

/// Formats an integer with its sign and the magnitude in another notation.
fn signed(argument: &Datum<'_>, write: impl Fn(u128) -> String) -> Result<String, EvaluationFailure> {
    let number = integer(argument)?;
    let sign = if number < 0 { "-" } else { "" };
    Ok(format!("{sign}{}", write(number.unsigned_abs())))
}

fn hex(argument: &Datum<'_>, upper: bool) -> Result<String, EvaluationFailure> {
    let bytes = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let text = match argument {
        Datum::String(text) => bytes(text.as_bytes()),
        Datum::Bytes(value) => bytes(value),
        argument => signed(argument, |number| format!("{number:x}"))?,
    };
    Ok(if upper { text.to_uppercase() } else { text })
}

/// Formats like Go, with a sign and at least two digits of the exponent.
fn scientific(number: f64, digits: usize) -> String {
    let text = format!("{number:.digits$e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) => {
            let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
            format!("{mantissa}e{sign}{exponent:0>2}")
        }
        None => text,
    }
}

/// Converts a value to text, for `%s` and `string`.
pub(super) fn to_text(value: &Datum<'_>) -> Result<String, EvaluationFailure> {
    Ok(match value {
        Datum::Null => "null".to_owned(),
        Datum::Bool(value) => value.to_string(),
        Datum::Double(value) => value.to_string(),
        Datum::String(text) => text.to_string(),
        Datum::Bytes(bytes) => {
            std::str::from_utf8(bytes).map_err(|_| EvaluationFailure::Invalid("the bytes are not text"))?.to_owned()
        }
        Datum::Timestamp(micros) => {
            let time = DateTime::from_timestamp_micros(*micros).ok_or(EvaluationFailure::Overflow)?;
            time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
        }
        Datum::Duration(micros) => duration(*micros),
        value => integer(value)?.to_string(),
    })
}

/// Formats a duration in seconds like protobuf's JSON.
fn duration(micros: i64) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let (seconds, rest) = (micros.unsigned_abs() / 1_000_000, micros.unsigned_abs() % 1_000_000);
    if rest == 0 {
        return format!("{sign}{seconds}s");
    }
    let fraction = format!("{rest:06}");
    format!("{sign}{seconds}.{}s", fraction.trim_end_matches('0'))
}
