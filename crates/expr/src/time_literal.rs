//! Parses times and durations in expressions to microseconds.

use chrono::{DateTime, NaiveDate, Timelike};
use groundplan_codec::{FIRST_TIME, LAST_TIME, LONGEST_DURATION};

const SECOND: i128 = 1_000_000_000;

/// Parses RFC 3339. The error is phrased to follow the text.
pub(crate) fn parse_timestamp(text: &str) -> Result<i64, String> {
    let malformed = || "is not a time: write it as in `\"2030-12-31T23:59:59.5Z\"` (RFC 3339)".to_owned();
    if text.len() == 10 && NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok() {
        return Err(format!("is a date: write a time, as in `\"{text}T00:00:00Z\"`"));
    }
    let separator = text.as_bytes().get(10);
    if !matches!(separator, Some(b'T' | b't')) {
        return Err(malformed());
    }
    let time = DateTime::parse_from_rfc3339(text).map_err(|_| malformed())?;
    let fraction = text.split_once('.').map_or("", |(_, rest)| rest);
    let digits: String = fraction.chars().take_while(char::is_ascii_digit).collect();
    if time.nanosecond() >= 1_000_000_000 {
        return Err("is a leap second, which is not supported: write the next second".to_owned());
    }
    if digits.get(6..).is_some_and(|finer| finer.contains(|digit| digit != '0')) {
        return Err(finer());
    }
    let micros = time.timestamp_micros();
    if (FIRST_TIME..=LAST_TIME).contains(&micros) {
        Ok(micros)
    } else {
        Err("is not in the years 1 to 9999".to_owned())
    }
}

/// Parses durations of Go such as `1h30m`, which include those of protobuf such as `3.5s`. The error is phrased to follow the
/// text.
pub(crate) fn parse_duration(text: &str) -> Result<i64, String> {
    let malformed = || "is not a duration: write it as in `\"1h30m\"` or `\"3.5s\"`".to_owned();
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(malformed());
    }
    let mut nanos = 0_i128;
    while !rest.is_empty() {
        let length = rest.find(|character: char| !character.is_ascii_digit() && character != '.');
        let (number, after_number) = rest.split_at_checked(length.ok_or_else(malformed)?).ok_or_else(malformed)?;
        let (unit, after) = unit(after_number).ok_or_else(malformed)?;
        nanos = nanos.saturating_add(part(number, unit).ok_or_else(malformed)??);
        rest = after;
    }
    if nanos % 1_000 != 0 {
        return Err(finer());
    }
    let micros = i64::try_from(sign * nanos / 1_000)
        .ok()
        .filter(|micros| (-LONGEST_DURATION..=LONGEST_DURATION).contains(micros));
    micros.ok_or_else(|| "is longer than 10,000 years".to_owned())
}

fn finer() -> String {
    "is finer than a microsecond, the precision of times".to_owned()
}

/// Parses a unit to nanoseconds; returns the rest of the text.
fn unit(text: &str) -> Option<(i128, &str)> {
    let units = [
        ("ns", 1),
        ("us", 1_000),
        ("µs", 1_000),
        ("μs", 1_000),
        ("ms", 1_000_000),
        ("s", SECOND),
        ("m", 60 * SECOND),
        ("h", 3_600 * SECOND),
    ];
    units.into_iter().find_map(|(name, nanos)| Some((nanos, text.strip_prefix(name)?)))
}

/// Parses a number such as `1.5` of a unit to nanoseconds; `None` if it is not a number.
fn part(number: &str, unit: i128) -> Option<Result<i128, String>> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !digits(whole) || !digits(fraction) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let (whole, fraction_value) =
        (if whole.is_empty() { "0" } else { whole }, if fraction.is_empty() { "0" } else { fraction });
    let (Ok(whole), Ok(part)) = (whole.parse::<u64>(), fraction_value.parse::<u64>()) else {
        return Some(Err("is longer or finer than durations can be".to_owned()));
    };
    let scale = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
    let scaled = i128::from(part) * unit;
    if scaled % scale != 0 {
        return Some(Err(finer()));
    }
    Some(Ok(i128::from(whole) * unit + scaled / scale))
}
