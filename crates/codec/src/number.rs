//! Numbers in text: parsed exactly, and written in the shortest form.

use crate::{DecodeError, Value};
use groundplan_model::shape::Integer;

/// Integers below this magnitude are exact as doubles, and are stored as integers inside `google.protobuf.Struct`.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The maximum number of digits of an integer type.
const MAX_DIGITS: i64 = 20;

/// Parses a JSON number as an integer: `1e3` and `1.0` are integers, `1.5` is not.
pub(crate) fn parse_integer(integer: Integer, text: &str) -> Result<Value, DecodeError> {
    let range = integer.range();
    let out_of_range_error =
        || DecodeError::new("range", format!("must be a whole number from {} to {}", range.start(), range.end()));
    let number = parse_whole(text).filter(|number| range.contains(number)).ok_or_else(out_of_range_error)?;
    let value = if integer.exceeds_bigint() {
        u64::try_from(number).map(Value::Uint)
    } else {
        i64::try_from(number).map(Value::Int)
    };
    value.map_err(|_| out_of_range_error())
}

/// Returns the value of a JSON number that is whole and has at most [`MAX_DIGITS`] digits.
fn parse_whole(text: &str) -> Option<i128> {
    if let Ok(number) = text.parse::<i64>() {
        return Some(number.into());
    }
    let (sign, magnitude) = text.strip_prefix('-').map_or((1, text), |magnitude| (-1, magnitude));
    let (mantissa, exponent) = magnitude.split_once(['e', 'E']).unwrap_or((magnitude, "0"));
    let (integral, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fraction = fraction.trim_end_matches('0');
    let digits = format!("{integral}{fraction}");
    let significant = digits.trim_matches('0');
    if significant.is_empty() {
        return Some(0);
    }
    let trailing = digits.len() - digits.trim_end_matches('0').len();
    let shift = parse_exponent(exponent) - i64::try_from(fraction.len()).ok()? + i64::try_from(trailing).ok()?;
    if shift < 0 || i64::try_from(significant.len()).ok()? + shift > MAX_DIGITS {
        return None;
    }
    let scale = 10_i128.checked_pow(u32::try_from(shift).ok()?)?;
    Some(sign * significant.parse::<i128>().ok()?.checked_mul(scale)?)
}

/// Parses an exponent, clamped to a range that cannot overflow in additions.
fn parse_exponent(exponent: &str) -> i64 {
    const FAR: i64 = i64::MAX / 4;
    let out = if exponent.starts_with('-') { -FAR } else { FAR };
    exponent.parse::<i64>().map_or(out, |value| value.clamp(-FAR, FAR))
}

/// Parses a JSON number as a double.
pub(crate) fn parse_double(text: &str) -> Result<f64, DecodeError> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err(out_of_range("double")),
    }
}

/// Parses a JSON number as a float, rounding once.
pub(crate) fn parse_float(text: &str) -> Result<f64, DecodeError> {
    match text.parse::<f32>() {
        Ok(value) if value.is_finite() => Ok(value.into()),
        _ => Err(out_of_range("float")),
    }
}

fn out_of_range(kind: &str) -> DecodeError {
    DecodeError::new("range", format!("is out of the range of {kind}"))
}

/// Parses a double that JSON writes as a name.
pub(crate) fn parse_special(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// Returns the name that JSON writes for a double that is not a JSON number.
pub(crate) fn special_name(value: f64) -> Option<&'static str> {
    match value {
        value if value.is_nan() => Some("NaN"),
        f64::INFINITY => Some("Infinity"),
        f64::NEG_INFINITY => Some("-Infinity"),
        _ => None,
    }
}

/// Narrows the value of a `float` field without loss: it was a float before it was widened.
#[expect(clippy::cast_possible_truncation, reason = "it was a float before it was widened")]
pub(crate) fn narrow(value: f64) -> f32 {
    value as f32
}

/// Converts a number inside `google.protobuf.Struct` to a canonical form without negative zero, which PostgreSQL's `jsonb`
/// does not have. Returns `None` for NaN and infinities.
pub(crate) fn to_json_number(value: f64) -> Option<serde_json::Number> {
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and smaller than 2^53")]
    if value.fract() == 0.0 && value.abs() < EXACT {
        return Some((value as i64).into());
    }
    serde_json::Number::from_f64(value)
}

/// Rejects a whole number that would change in `google.protobuf.Struct`, whose numbers are doubles.
pub(crate) fn reject_inexact_integer(text: &str, value: f64) -> Result<(), DecodeError> {
    let is_whole = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    if !is_whole || value.abs() < EXACT || format!("{value:.0}") == text {
        return Ok(());
    }
    let message = format!("would become {value:.0}: numbers in free-form JSON are doubles; send it as a string");
    Err(DecodeError::new("range", message))
}

/// Writes an integer.
pub(crate) fn write_int(value: i64, out: &mut Vec<u8>) {
    // Writing to a vector does not fail.
    let _ = serde_json::to_writer(out, &value);
}

/// Writes an unsigned integer.
pub(crate) fn write_uint(value: u64, out: &mut Vec<u8>) {
    let _ = serde_json::to_writer(out, &value);
}

/// Writes the shortest text that reads back as the same double; whole numbers without `.0`.
pub(crate) fn write_double(value: f64, out: &mut Vec<u8>) {
    let _ = serde_json::to_writer(&mut *out, &value);
    strip_point_zero(out);
}

/// Writes the shortest text that reads back as the same float.
pub(crate) fn write_float(value: f32, out: &mut Vec<u8>) {
    let _ = serde_json::to_writer(&mut *out, &value);
    strip_point_zero(out);
}

fn strip_point_zero(out: &mut Vec<u8>) {
    if out.ends_with(b".0") {
        out.truncate(out.len() - 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(integer: Integer, text: &str) -> Option<Value> {
        parse_integer(integer, text).ok()
    }

    #[test]
    fn integers_are_exact_and_in_range() {
        assert_eq!(int(Integer::Int64, "-9223372036854775808"), Some(Value::Int(i64::MIN)));
        assert_eq!(int(Integer::Int64, "9223372036854775808"), None);
        assert_eq!(int(Integer::Int64, "9007199254740993.0"), Some(Value::Int(9_007_199_254_740_993)));
        assert_eq!(int(Integer::Uint64, "18446744073709551615"), Some(Value::Uint(u64::MAX)));
        assert_eq!(int(Integer::Uint64, "1.8446744073709551615e19"), Some(Value::Uint(u64::MAX)));
        assert_eq!(int(Integer::Uint64, "18446744073709551616"), None);
        assert_eq!(int(Integer::Uint64, "-1"), None);
        assert_eq!(int(Integer::Uint64, "-0"), Some(Value::Uint(0)));
        assert_eq!(int(Integer::Int32, "2147483648"), None);
        assert_eq!(int(Integer::Uint32, "4294967295"), Some(Value::Int(4_294_967_295)));
    }

    #[test]
    fn whole_numbers_can_have_fractions_and_exponents() {
        for (text, expected) in
            [("1e3", Some(1000)), ("1.0", Some(1)), ("100e-2", Some(1)), ("1.5e1", Some(15)), ("0.1e1", Some(1))]
        {
            assert_eq!(parse_whole(text), expected, "{text}");
        }
        for text in ["1.5", "1e-1", "1e400", "1e99999999999999999999", "1e-99999999999999999999", "0.01e1"] {
            assert_eq!(parse_whole(text), None, "{text}");
        }
        for text in ["0e99999999999999999999", "-0.000", "0e-5"] {
            assert_eq!(parse_whole(text), Some(0), "{text}");
        }
        let long = format!("0.{}1e100001", "0".repeat(100_000));
        assert_eq!(parse_whole(&long), Some(1));
    }

    #[test]
    fn inexact_whole_numbers_in_free_form_json_are_rejected() {
        for exact in [
            "0",
            "-0",
            "9007199254740992",
            "-9007199254740992",
            "18446744073709551616",
            "1e30",
            "0.1",
            "1.00000000000000001",
        ] {
            assert!(reject_inexact_integer(exact, parse_double(exact).unwrap()).is_ok(), "{exact}");
        }
        for lossy in ["9007199254740993", "-9007199254740993", "9223372036854775807", "100000000000000000000000001"] {
            let error = reject_inexact_integer(lossy, parse_double(lossy).unwrap()).unwrap_err();
            assert!(error.message.contains("send it as a string"), "{error}");
        }
    }

    #[test]
    fn doubles_are_written_in_the_shortest_form() {
        for (value, text) in
            [(123.0, "123"), (0.1, "0.1"), (1e300, "1e+300"), (-0.0, "-0"), (5e-324, "5e-324"), (1e21, "1e+21")]
        {
            let mut out = Vec::new();
            write_double(value, &mut out);
            let written = String::from_utf8(out).unwrap();
            assert_eq!(written, text);
            assert_eq!(written.parse::<f64>().unwrap().to_bits(), value.to_bits());
        }
        let mut out = Vec::new();
        write_float(0.1, &mut out);
        assert_eq!(out, b"0.1");
    }

    #[test]
    fn floats_and_doubles_have_ranges() {
        assert!(parse_double("1e400").is_err());
        assert!(parse_float("3.5e38").is_err());
        assert_eq!(parse_float("0.1").unwrap(), f64::from(0.1_f32));
        assert_eq!(parse_double("1e-400").unwrap(), 0.0);
    }
}
