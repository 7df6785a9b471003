//! Durations and sizes as people write them.

use std::time::Duration;

/// Parses `500ms`, `2s`, `5m` or `1h`. The unit is required.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text);
    let unit_in_milliseconds: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err("expected a number with its unit, such as 500ms, 2s, 5m or 1h".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| "expected a whole number before the unit, as in 2s".to_owned())?;
    number.checked_mul(unit_in_milliseconds).map(Duration::from_millis).ok_or_else(|| "is too long".to_owned())
}

/// Parses `4096`, `64KiB` or `4MiB`.
pub fn parse_size(text: &str) -> Result<usize, String> {
    let (number, unit) = split(text);
    let unit_in_bytes: usize = match unit {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err("expected bytes, or a number with KiB, MiB or GiB, such as 4MiB".to_owned()),
    };
    let number: usize = number.parse().map_err(|_| "expected a whole number, as in 4MiB".to_owned())?;
    number.checked_mul(unit_in_bytes).ok_or_else(|| "is too large".to_owned())
}

/// Splits the leading digits from the rest.
fn split(text: &str) -> (&str, &str) {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}
