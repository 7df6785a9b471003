//! Times as RFC 3339 text, as in records.

use crate::parameter_errors::invalid_parameter;
use chrono::{DateTime, SecondsFormat, Timelike as _};
use groundplan_codec::{FIRST_TIME, LAST_TIME};
use groundplan_error::Error;

/// Parses the time of a parameter to microseconds since the Unix epoch. Finer digits are truncated towards the past.
pub(crate) fn parse(parameter: &str, text: &str) -> Result<i64, Error> {
    // In a query, an unescaped plus sign means a space.
    let hint = if text.contains(' ') { "; the plus sign of an offset is %2B in a query" } else { "" };
    let malformed = || {
        let description = format!("must be a time such as 2030-12-31T23:59:59.5Z (RFC 3339){hint}");
        invalid_parameter(parameter, "timestamp", description)
    };
    let capitals = text.as_bytes().get(10) == Some(&b'T') && !text.bytes().any(|byte| byte.is_ascii_lowercase());
    let time = DateTime::parse_from_rfc3339(text).ok().filter(|_| capitals).ok_or_else(malformed)?;
    // Chrono represents a leap second like this. Records cannot store it.
    if time.nanosecond() >= 1_000_000_000 {
        return Err(malformed());
    }
    let micros = time.timestamp_micros();
    match (FIRST_TIME..=LAST_TIME).contains(&micros) {
        true => Ok(micros),
        false => Err(invalid_parameter(parameter, "range", "must be in the years from 1 to 9999")),
    }
}

/// Formats microseconds since the Unix epoch in UTC, with 0, 3 or 6 fractional digits.
pub(crate) fn format(micros: i64) -> String {
    // Times out of chrono's range become the epoch, as in records.
    DateTime::from_timestamp_micros(micros).unwrap_or_default().to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_parsed_and_formatted() {
        for (given, again) in [
            ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
            ("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999Z"),
            ("1969-12-31T23:59:59.9999999Z", "1969-12-31T23:59:59.999999Z"),
            ("2024-02-29T12:00:00.5+01:30", "2024-02-29T10:30:00.500Z"),
        ] {
            assert_eq!(format(parse("readTime", given).unwrap()), again);
        }
        assert_eq!(format(i64::MAX), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn invalid_times_are_rejected() {
        let message = |text: &str| parse("readTime", text).unwrap_err().message().into_owned();
        for text in [
            "",
            "yesterday",
            "2024-02-30T00:00:00Z",
            "2024-02-29 00:00:00Z",
            "2024-02-29T00:00:00z",
            "2024-02-29t00:00:00Z",
            "2024-02-29T00:00:00",
            "2024-02-29",
            "2016-12-31T23:59:60Z",
            "2024-02-29T00:00:00+0100",
            "1732683600",
        ] {
            assert!(message(text).starts_with("\"readTime\" must be a time such as 2030-12-31T23:59:59.5Z"), "{text}");
        }
        assert!(message("2024-02-29T00:00:00 01:00").ends_with("%2B in a query"));
        assert!(!message("x").contains("%2B"));
        for text in ["0000-12-31T23:59:59Z", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"] {
            assert_eq!(message(text), "\"readTime\" must be in the years from 1 to 9999", "{text}");
        }
    }
}
