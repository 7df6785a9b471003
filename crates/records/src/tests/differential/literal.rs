//! Constants as CEL writes them.

use super::pool;
use super::tree::{Tree, Ty};
use rand::RngExt as _;
use rand::rngs::StdRng;
use std::fmt::Write as _;

const SECOND: u64 = 1_000_000;
const DAY: i64 = 86_400;

/// A constant out of the pool of a type.
pub(super) fn literal(random: &mut StdRng, ty: Ty) -> Tree {
    let text = match ty {
        Ty::Bool => random.random::<bool>().to_string(),
        Ty::Int => int(random),
        Ty::Uint => format!("{}u", pool::uint(random)),
        Ty::Double => double(pool::literal_double(random)),
        Ty::String => string(random),
        Ty::Bytes => bytes(&pool::bytes(random)),
        Ty::Time => time(random),
        Ty::Duration => duration(random),
        Ty::Mood => mood(random),
    };
    Tree::constant(ty, text)
}

/// A constant out of the pool of map keys.
pub(super) fn key(random: &mut StdRng, ty: Ty) -> Tree {
    let text = match ty {
        Ty::Int => random.random_range(0..3).to_string(),
        Ty::Uint => format!("{}u", pool::small_uint(random)),
        Ty::String => {
            let key = pool::key(random);
            quoted(random, &key)
        }
        ty => return literal(random, ty),
    };
    Tree::constant(ty, text)
}

/// Negative numbers are in parentheses, because a sign after an operator is a matter of the parser.
fn int(random: &mut StdRng) -> String {
    match pool::int(random) {
        number @ 16.. if random.random_bool(0.1) => format!("0x{number:x}"),
        number @ ..0 => format!("({number})"),
        number => number.to_string(),
    }
}

fn double(number: f64) -> String {
    let text = format!("{number:?}");
    let text = if text.contains(['.', 'e']) { text } else { format!("{text}.0") };
    if text.starts_with('-') { format!("({text})") } else { text }
}

fn string(random: &mut StdRng) -> String {
    let text = pool::string(random);
    quoted(random, &text)
}

/// With either quote, and escapes where they are needed and sometimes where not.
pub(super) fn quoted(random: &mut StdRng, text: &str) -> String {
    let quote = if random.random() { '"' } else { '\'' };
    let mut out = String::from(quote);
    for letter in text.chars() {
        let code = u32::from(letter);
        match letter {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\\' => out.push_str("\\\\"),
            _ if letter == quote => out.extend(['\\', letter]),
            _ if code < 32 || (code < 0x1_0000 && random.random_bool(0.1)) => write!(out, "\\u{code:04x}").unwrap(),
            _ if random.random_bool(0.05) => write!(out, "\\U{code:08x}").unwrap(),
            _ => out.push(letter),
        }
    }
    out.push(quote);
    out
}

fn bytes(bytes: &[u8]) -> String {
    let mut out = String::from("b\"");
    for byte in bytes {
        write!(out, "\\x{byte:02x}").unwrap();
    }
    out.push('"');
    out
}

fn time(random: &mut StdRng) -> String {
    format!("timestamp(\"{}\")", rfc3339(pool::time(random)))
}

/// In UTC, with as many digits as are needed.
fn rfc3339(microseconds: i64) -> String {
    let (seconds, fraction) = (microseconds.div_euclid(1_000_000), microseconds.rem_euclid(1_000_000));
    let (days, second) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    // Days since 0000-03-01, in eras of 400 years.
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    let fraction = if fraction == 0 { String::new() } else { format!(".{fraction:06}") };
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

fn duration(random: &mut StdRng) -> String {
    let microseconds = pool::duration(random);
    let sign = if microseconds < 0 { "-" } else { "" };
    let (seconds, fraction) = (microseconds.unsigned_abs() / SECOND, microseconds.unsigned_abs() % SECOND);
    let text = match fraction {
        0 if seconds.is_multiple_of(3_600) && random.random() => format!("{}h", seconds / 3_600),
        0 => format!("{seconds}s"),
        _ => format!("{seconds}.{fraction:06}s"),
    };
    format!("duration(\"{sign}{text}\")")
}

/// Enum constants only stand next to a value of the enum, which determines their type.
fn mood(random: &mut StdRng) -> String {
    const NAMES: &[&str] = &["MOOD_UNSPECIFIED", "MOOD_GOOD", "MOOD_BAD", "MOOD_ODD"];
    match random.random_range(0..3) {
        0 => NAMES[random.random_range(0..NAMES.len())].to_owned(),
        1 => format!("\"{}\"", NAMES[random.random_range(0..NAMES.len())]),
        _ => match pool::mood(random) {
            number @ ..0 => format!("({number})"),
            number => number.to_string(),
        },
    }
}

#[test]
fn times_are_written_as_they_are() {
    assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
    assert_eq!(rfc3339(-1), "1969-12-31T23:59:59.999999Z");
    assert_eq!(rfc3339(951_782_400_000_000), "2000-02-29T00:00:00Z");
    assert_eq!(rfc3339(253_402_300_799_999_999), "9999-12-31T23:59:59.999999Z");
    assert_eq!(rfc3339(-62_135_596_800_000_000), "0001-01-01T00:00:00Z");
}
