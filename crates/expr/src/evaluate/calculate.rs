//! Evaluates operators and functions on values.

use super::{Datum, EvaluationFailure};
use crate::ir::{Arithmetic, Rewrite, TextTest, TimePart};
use chrono::{DateTime, Datelike, Timelike};
use groundplan_codec::{FIRST_TIME, LAST_TIME, LONGEST_DURATION};

pub(super) fn arithmetic<'e>(
    operation: Arithmetic,
    left: &Datum<'e>,
    right: &Datum<'e>,
) -> Result<Datum<'e>, EvaluationFailure> {
    match (left, right) {
        (Datum::Int(left), Datum::Int(right)) => int(operation, *left, *right).map(Datum::Int),
        (Datum::Uint(left), Datum::Uint(right)) => uint(operation, *left, *right).map(Datum::Uint),
        (Datum::Double(left), Datum::Double(right)) => Ok(Datum::Double(double(operation, *left, *right))),
        (Datum::String(left), Datum::String(right)) => Ok(Datum::owned_text(format!("{left}{right}"))),
        (Datum::Bytes(left), Datum::Bytes(right)) => Ok(Datum::Bytes([&left[..], &right[..]].concat().into())),
        (Datum::List(left), Datum::List(right)) => Ok(Datum::List(left.followed_by(right))),
        (left, right) => time(operation, left, right),
    }
}

fn int(operation: Arithmetic, left: i64, right: i64) -> Result<i64, EvaluationFailure> {
    let result = match operation {
        Arithmetic::Add => left.checked_add(right),
        Arithmetic::Subtract => left.checked_sub(right),
        Arithmetic::Multiply => left.checked_mul(right),
        Arithmetic::Divide | Arithmetic::Remainder if right == 0 => return Err(EvaluationFailure::DivisionByZero),
        Arithmetic::Divide => left.checked_div(right),
        Arithmetic::Remainder => left.checked_rem(right),
    };
    result.ok_or(EvaluationFailure::Overflow)
}

fn uint(operation: Arithmetic, left: u64, right: u64) -> Result<u64, EvaluationFailure> {
    let result = match operation {
        Arithmetic::Add => left.checked_add(right),
        Arithmetic::Subtract => left.checked_sub(right),
        Arithmetic::Multiply => left.checked_mul(right),
        Arithmetic::Divide | Arithmetic::Remainder if right == 0 => return Err(EvaluationFailure::DivisionByZero),
        Arithmetic::Divide => left.checked_div(right),
        Arithmetic::Remainder => left.checked_rem(right),
    };
    result.ok_or(EvaluationFailure::Overflow)
}

fn double(operation: Arithmetic, left: f64, right: f64) -> f64 {
    match operation {
        Arithmetic::Add => left + right,
        Arithmetic::Subtract => left - right,
        Arithmetic::Multiply => left * right,
        Arithmetic::Divide => left / right,
        Arithmetic::Remainder => left % right,
    }
}

fn time<'e>(operation: Arithmetic, left: &Datum<'_>, right: &Datum<'_>) -> Result<Datum<'e>, EvaluationFailure> {
    let sum = |left: i64, right: i64| match operation {
        Arithmetic::Add => left.checked_add(right).ok_or(EvaluationFailure::Overflow),
        Arithmetic::Subtract => left.checked_sub(right).ok_or(EvaluationFailure::Overflow),
        _ => Err(EvaluationFailure::Null),
    };
    match (left, right) {
        (Datum::Timestamp(left), Datum::Duration(right)) => checked_timestamp(sum(*left, *right)?),
        (Datum::Duration(left), Datum::Timestamp(right)) if operation == Arithmetic::Add => {
            checked_timestamp(sum(*left, *right)?)
        }
        (Datum::Timestamp(left), Datum::Timestamp(right)) if operation == Arithmetic::Subtract => {
            checked_duration(sum(*left, *right)?)
        }
        (Datum::Duration(left), Datum::Duration(right)) => checked_duration(sum(*left, *right)?),
        _ => Err(EvaluationFailure::Null),
    }
}

fn checked_timestamp<'e>(micros: i64) -> Result<Datum<'e>, EvaluationFailure> {
    if (FIRST_TIME..=LAST_TIME).contains(&micros) {
        Ok(Datum::Timestamp(micros))
    } else {
        Err(EvaluationFailure::Overflow)
    }
}

fn checked_duration<'e>(micros: i64) -> Result<Datum<'e>, EvaluationFailure> {
    let fits = (-LONGEST_DURATION..=LONGEST_DURATION).contains(&micros);
    if fits { Ok(Datum::Duration(micros)) } else { Err(EvaluationFailure::Overflow) }
}

pub(super) fn negate<'e>(operand: &Datum<'_>) -> Result<Datum<'e>, EvaluationFailure> {
    match operand {
        Datum::Int(value) => value.checked_neg().map(Datum::Int).ok_or(EvaluationFailure::Overflow),
        Datum::Double(value) => Ok(Datum::Double(-value)),
        // The range of durations is symmetrical, so this cannot overflow.
        Datum::Duration(value) => Ok(Datum::Duration(-value)),
        _ => Err(EvaluationFailure::Null),
    }
}

/// Returns the cost of a test: a pass over both texts, or for bytes at most a comparison at each position.
pub(super) fn text_test_cost(text: &Datum<'_>, part: &Datum<'_>) -> u64 {
    let size = match (text, part) {
        (Datum::Bytes(bytes), Datum::Bytes(part)) => bytes.len().saturating_mul(1 + part.len() / 64),
        _ => (text.bytes() + part.bytes()) / 64,
    };
    size as u64
}

/// Tests a text or bytes.
pub(super) fn text_test(test: TextTest, text: &Datum<'_>, part: &Datum<'_>) -> Result<bool, EvaluationFailure> {
    if let (Datum::Bytes(bytes), Datum::Bytes(part)) = (text, part) {
        return Ok(match test {
            TextTest::StartsWith => bytes.starts_with(part),
            TextTest::EndsWith => bytes.ends_with(part),
            TextTest::Contains => part.is_empty() || bytes.windows(part.len()).any(|window| window == &part[..]),
        });
    }
    let (text, part) = (text.text()?, part.text()?);
    Ok(match test {
        TextTest::StartsWith => text.starts_with(part),
        TextTest::EndsWith => text.ends_with(part),
        TextTest::Contains => text.contains(part),
    })
}

pub(super) fn rewrite(rewrite: Rewrite, text: &str) -> String {
    match rewrite {
        Rewrite::LowerAscii => text.to_ascii_lowercase(),
        Rewrite::UpperAscii => text.to_ascii_uppercase(),
        Rewrite::Trim => text.trim().to_owned(),
    }
}

pub(super) fn time_part<'e>(part: TimePart, time: &Datum<'_>) -> Result<Datum<'e>, EvaluationFailure> {
    let micros = match time {
        Datum::Timestamp(micros) => micros,
        Datum::Duration(micros) => return duration_part(part, *micros).map(Datum::Int),
        _ => return Err(EvaluationFailure::Null),
    };
    let time = DateTime::from_timestamp_micros(*micros).ok_or(EvaluationFailure::Overflow)?;
    Ok(Datum::Int(match part {
        TimePart::FullYear => i64::from(time.year()),
        TimePart::Month => i64::from(time.month0()),
        TimePart::Date => i64::from(time.day()),
        TimePart::DayOfMonth => i64::from(time.day0()),
        TimePart::DayOfWeek => i64::from(time.weekday().num_days_from_sunday()),
        TimePart::DayOfYear => i64::from(time.ordinal0()),
        TimePart::Hours => i64::from(time.hour()),
        TimePart::Minutes => i64::from(time.minute()),
        TimePart::Seconds => i64::from(time.second()),
        TimePart::Milliseconds => i64::from(time.timestamp_subsec_millis()),
    }))
}

/// Returns a whole duration in a unit; milliseconds are only the fraction of a second.
fn duration_part(part: TimePart, micros: i64) -> Result<i64, EvaluationFailure> {
    Ok(match part {
        TimePart::Hours => micros / 3_600_000_000,
        TimePart::Minutes => micros / 60_000_000,
        TimePart::Seconds => micros / 1_000_000,
        TimePart::Milliseconds => micros / 1_000 % 1_000,
        _ => return Err(EvaluationFailure::Null),
    })
}
