//! Etags: a record's version in lower-case hexadecimal. It begins with the time of creation in microseconds and grows by
//! one an update.
//!
//! While a record exists, no version of it comes twice. When it is deleted and created again, the new versions are above
//! the old ones, provided that the clock of the process that creates it is not behind by more than the time between the
//! two creations, and that the old record did not change more than once a microsecond.

use groundplan_codec::{Record, Value};
use groundplan_error::{Error, Reason};
use groundplan_model::catalog::Model;

/// The etag of a version.
pub(super) fn of_version(version: i64) -> String {
    format!("{version:x}")
}

/// The version that an etag stands for. Quotes around it are accepted, as HTTP has them; a weak etag is not.
pub(super) fn parse(text: &str) -> Result<i64, Error> {
    let bare = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let version = i64::from_str_radix(bare, 16).ok().filter(|version| *version >= 0 && of_version(*version) == bare);
    version.ok_or_else(|| {
        let words = if text.starts_with("W/") {
            "weak etags cannot guard a write; send the record's own etag"
        } else {
            "the etag is not one of a record; send what a read or write returned, unchanged"
        };
        Error::new(Reason::EtagInvalid, words)
    })
}

/// The version that a caller wants a record to have: by argument, or by the etag field of the record that was sent.
pub(super) fn wanted(argument: &str, model: &Model, sent: Option<&Record>) -> Result<Option<i64>, Error> {
    let field = model.roles.etag.zip(sent).and_then(|(field, record)| match record.get(field) {
        Some(Value::String(etag)) => Some(etag.as_str()),
        _ => None,
    });
    [Some(argument), field].into_iter().flatten().find(|etag| !etag.is_empty()).map(parse).transpose()
}

/// The refusal of a record that has changed.
pub(super) fn mismatch(model: &Model, id: &super::Id, current: i64) -> Error {
    let id = id.to_string();
    let message =
        format!("{} {id:?} has changed since the etag was given; read it again, and decide again", model.full_name);
    Error::new(Reason::EtagMismatch, message).about(&model.full_name, id).with("currentEtag", of_version(current))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etags_are_read_as_they_are_written() {
        for version in [0, 1, 255, 1_795_000_000_000_000, i64::MAX] {
            assert_eq!(parse(&of_version(version)).unwrap(), version);
            assert_eq!(parse(&format!("\"{}\"", of_version(version))).unwrap(), version);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for bad in ["", "\"", "\"\"", "W/\"ff\"", "FF", "0ff", "-1", "+1", "ffffffffffffffff", "x", "*", " ff"] {
            assert_eq!(parse(bad).unwrap_err().reason(), Reason::EtagInvalid, "{bad}");
        }
    }
}
