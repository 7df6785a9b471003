//! `google.protobuf.Timestamp` and `Duration`: ranges, microseconds, and text.

use crate::DecodeError;
use chrono::{DateTime, Datelike, NaiveDate, Timelike};
use std::io::Write;

const MICROS: i64 = 1_000_000;
const DAY: i64 = 86_400;

/// 0001-01-01T00:00:00Z.
const FIRST_SECOND: i64 = -62_135_596_800;
/// 9999-12-31T23:59:59Z.
const LAST_SECOND: i64 = 253_402_300_799;
/// 10,000 years, as `duration.proto` defines it.
const LONGEST_SECONDS: i64 = 315_576_000_000;

/// The first time of a google.protobuf.Timestamp, in microseconds since the Unix epoch.
pub const FIRST_TIME: i64 = FIRST_SECOND * MICROS;
/// The last time of a google.protobuf.Timestamp, in microseconds since the Unix epoch.
pub const LAST_TIME: i64 = LAST_SECOND * MICROS + (MICROS - 1);
/// The longest google.protobuf.Duration in both directions, in microseconds.
pub const LONGEST_DURATION: i64 = LONGEST_SECONDS * MICROS + (MICROS - 1);

/// Converts to microseconds since the Unix epoch, truncating towards the past.
pub fn timestamp(seconds: i64, nanos: i32) -> Result<i64, DecodeError> {
    if !(FIRST_SECOND..=LAST_SECOND).contains(&seconds) {
        return Err(DecodeError::new("range", "must be from 0001-01-01T00:00:00Z to 9999-12-31T23:59:59.999999999Z"));
    }
    if !(0..1_000_000_000).contains(&nanos) {
        return Err(DecodeError::new("range", "must have nanos from 0 to 999,999,999"));
    }
    Ok(seconds * MICROS + i64::from(nanos / 1_000))
}

/// Converts to microseconds, truncating towards zero.
pub(crate) fn duration(seconds: i64, nanos: i32) -> Result<i64, DecodeError> {
    if !(-LONGEST_SECONDS..=LONGEST_SECONDS).contains(&seconds) {
        return Err(DecodeError::new("range", "must be from -315576000000s to 315576000000s"));
    }
    if !(-999_999_999..=999_999_999).contains(&nanos) {
        return Err(DecodeError::new("range", "must have nanos from -999,999,999 to 999,999,999"));
    }
    if (seconds > 0 && nanos < 0) || (seconds < 0 && nanos > 0) {
        return Err(DecodeError::new("range", "must have seconds and nanos of the same sign"));
    }
    Ok(seconds * MICROS + i64::from(nanos / 1_000))
}

/// Returns the seconds and nanoseconds of a Timestamp message.
pub fn timestamp_parts(micros: i64) -> (i64, i64) {
    (micros.div_euclid(MICROS), micros.rem_euclid(MICROS) * 1_000)
}

/// Returns the seconds and nanoseconds of a Duration message.
pub(crate) fn duration_parts(micros: i64) -> (i64, i64) {
    (micros / MICROS, micros % MICROS * 1_000)
}

/// Parses RFC 3339 as in proto3 JSON: uppercase `T` and `Z`, up to nine fractional digits, any offset.
pub(crate) fn parse_timestamp(text: &str) -> Result<i64, DecodeError> {
    let malformed = || DecodeError::new("timestamp", "must be a time such as 2030-12-31T23:59:59.5Z (RFC 3339)");
    let (local, nanos, offset) = split_timestamp(text).ok_or_else(malformed)?;
    timestamp(local - offset, nanos)
}

/// Splits into seconds of the local time since 1970, nanoseconds, and seconds of the offset.
fn split_timestamp(text: &str) -> Option<(i64, i32, i64)> {
    // The text is ASCII, so it can be split anywhere.
    if !text.is_ascii() || text.len() < 20 {
        return None;
    }
    let (date_time, rest) = text.split_at(19);
    let bytes = date_time.as_bytes();
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if separators.iter().any(|(at, separator)| bytes.get(*at) != Some(separator)) {
        return None;
    }
    let part = |from: usize, to: usize| digits(date_time.get(from..to)?);
    let (hour, minute, second) = (part(11, 13)?, part(14, 16)?, part(17, 19)?);
    let date = NaiveDate::from_ymd_opt(i32::try_from(part(0, 4)?).ok()?, part(5, 7)?, part(8, 10)?)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (nanos, rest) = fraction(rest)?;
    let days = i64::from(date.num_days_from_ce()) - EPOCH_FROM_CE;
    Some((days * DAY + clock(hour, minute) + i64::from(second), nanos, offset(rest)?))
}

/// The number of days from 0001-01-01, which is day 1, to 1970-01-01.
const EPOCH_FROM_CE: i64 = 719_163;

fn clock(hour: u32, minute: u32) -> i64 {
    i64::from(hour) * 3_600 + i64::from(minute) * 60
}

fn digits(text: &str) -> Option<u32> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// Parses an optional fraction such as `.5` to nanoseconds; returns the rest of the text.
fn fraction(text: &str) -> Option<(i32, &str)> {
    let Some(after_point) = text.strip_prefix('.') else { return Some((0, text)) };
    let length = after_point.bytes().take_while(u8::is_ascii_digit).count();
    if length == 0 || length > 9 {
        return None;
    }
    let (fraction, rest) = after_point.split_at(length);
    let scale = 10_i32.pow(u32::try_from(9 - length).ok()?);
    Some((fraction.parse::<i32>().ok()? * scale, rest))
}

/// Parses an offset, `Z` or `+01:30`, to seconds.
fn offset(text: &str) -> Option<i64> {
    if text == "Z" {
        return Some(0);
    }
    let (sign, clock_text) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = clock_text.split_once(':')?;
    if hours.len() != 2 || minutes.len() != 2 {
        return None;
    }
    let (hours, minutes) = (digits(hours)?, digits(minutes)?);
    (hours <= 23 && minutes <= 59).then(|| sign * clock(hours, minutes))
}

/// Parses a duration such as `-1.5s` to microseconds.
pub(crate) fn parse_duration(text: &str) -> Result<i64, DecodeError> {
    let malformed = || DecodeError::new("duration", "must be a number of seconds such as \"1.5s\"");
    let (seconds, nanos) = split_duration(text).ok_or_else(malformed)?;
    duration(seconds, nanos)
}

fn split_duration(text: &str) -> Option<(i64, i32)> {
    let text = text.strip_suffix('s')?;
    let (sign, magnitude) = text.strip_prefix('-').map_or((1, text), |magnitude| (-1, magnitude));
    let length = magnitude.bytes().take_while(u8::is_ascii_digit).count();
    let (seconds, rest) = magnitude.split_at(length);
    let (nanos, rest) = fraction(rest)?;
    if seconds.is_empty() || !rest.is_empty() {
        return None;
    }
    // Too many digits are out of range, not malformed.
    let seconds = seconds.parse::<i64>().unwrap_or(i64::MAX);
    Some((i64::from(sign) * seconds, sign * nanos))
}

/// Writes RFC 3339 in UTC, with 0, 3 or 6 fractional digits.
pub(crate) fn write_timestamp(micros: i64, out: &mut Vec<u8>) {
    let (seconds, nanos) = timestamp_parts(micros);
    // Decoded timestamps are in chrono's range; others are written as the epoch.
    let time = DateTime::from_timestamp(seconds, 0).unwrap_or_default();
    let (date, clock) = (time.date_naive(), time.time());
    // Writing to a vector does not fail.
    let _ = write!(
        out,
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
        date.year(),
        date.month(),
        date.day(),
        clock.hour(),
        clock.minute(),
        clock.second()
    );
    write_fraction(nanos / 1_000, out);
    out.push(b'Z');
}

/// Writes a duration such as `-1.500s`, with 0, 3 or 6 fractional digits.
pub(crate) fn write_duration(micros: i64, out: &mut Vec<u8>) {
    let magnitude = micros.unsigned_abs();
    let (seconds, rest) = (magnitude / MICROS.unsigned_abs(), magnitude % MICROS.unsigned_abs());
    if micros < 0 {
        out.push(b'-');
    }
    let _ = write!(out, "{seconds}");
    write_fraction(rest.cast_signed(), out);
    out.push(b's');
}

fn write_fraction(micros: i64, out: &mut Vec<u8>) {
    let _ = match (micros, micros % 1_000) {
        (0, _) => Ok(()),
        (_, 0) => write!(out, ".{:03}", micros / 1_000),
        _ => write!(out, ".{micros:06}"),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: fn(i64, &mut Vec<u8>), micros: i64) -> String {
        let mut out = Vec::new();
        write(micros, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn timestamps_are_read_and_written() {
        for (text, again) in [
            ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
            ("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999Z"),
            ("1969-12-31T23:59:59.9999999Z", "1969-12-31T23:59:59.999999Z"),
            ("2024-02-29T12:00:00.5+01:30", "2024-02-29T10:30:00.500Z"),
            ("2024-02-29T12:00:00.000001-00:30", "2024-02-29T12:30:00.000001Z"),
        ] {
            assert_eq!(written(write_timestamp, parse_timestamp(text).unwrap()), again);
        }
    }

    #[test]
    fn malformed_timestamps_are_rejected() {
        for text in [
            "",
            "2024-02-30T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "2024-02-29 00:00:00Z",
            "2024-02-29T00:00:00z",
            "2024-02-29t00:00:00Z",
            "2024-02-29T00:00:00",
            "2024-02-29T24:00:00Z",
            "2024-02-29T00:60:00Z",
            "2016-12-31T23:59:60Z",
            "2024-02-29T00:00:00.Z",
            "2024-02-29T00:00:00.1234567890Z",
            "2024-02-29T00:00:00+0100",
            "2024-02-29T00:00:00+24:00",
            "+024-02-29T00:00:00Z",
            "0000-12-31T23:59:59Z",
            "0001-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01",
            "2024-02-29T00:00:00Zé",
            "20é4-02-29T00:00:00Z",
        ] {
            assert!(parse_timestamp(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_are_read_and_written() {
        for (text, again) in [
            ("0s", "0s"),
            ("-0s", "0s"),
            ("1.5s", "1.500s"),
            ("-0.5s", "-0.500s"),
            ("-1.000001s", "-1.000001s"),
            ("-1.0000019s", "-1.000001s"),
            ("315576000000s", "315576000000s"),
        ] {
            assert_eq!(written(write_duration, parse_duration(text).unwrap()), again);
        }
        for text in ["", "s", "1", "1.s", ".5s", "+1s", "1e3s", "--1s", "1 s", "1.5.5s", "1.0000000000s"] {
            assert_eq!(parse_duration(text).unwrap_err().rule, "duration", "{text}");
        }
        for text in ["315576000001s", "-315576000001s", "99999999999999999999s", "-99999999999999999999s"] {
            assert_eq!(parse_duration(text).unwrap_err().rule, "range", "{text}");
        }
    }

    #[test]
    fn ranges_are_those_of_the_messages() {
        assert!(timestamp(FIRST_SECOND - 1, 0).is_err());
        assert!(timestamp(LAST_SECOND + 1, 0).is_err());
        assert!(timestamp(0, -1).is_err());
        assert!(timestamp(0, 1_000_000_000).is_err());
        assert_eq!(timestamp(-1, 999_999_999).unwrap(), -1);
        assert!(duration(1, -1).is_err());
        assert!(duration(-1, 1).is_err());
        assert!(duration(0, -1_000_000_000).is_err());
        assert_eq!(duration(0, -1_999).unwrap(), -1);
        assert_eq!(timestamp_parts(-1), (-1, 999_999_000));
        assert_eq!(duration_parts(-1_500_000), (-1, -500_000_000));
    }
}
