//! Etags: the version of a record in lower-case hexadecimal. The version starts with the creation time in microseconds, and each
//! update adds one.
//!
//! Versions of an existing record are unique. If a record is deleted and created again, the new versions are larger, provided
//! that the clock of the creating process does not lag by more than the time between the creations, and that the old record
//! changed at most once per microsecond.

use groundplan_codec::{Record, Value};
use groundplan_error::{Error, Reason};
use groundplan_model::catalog::Model;

/// Returns the etag of a version.
pub(crate) fn of_version(version: i64) -> String {
    format!("{version:x}")
}

/// Parses an etag. Quotes are accepted, as in HTTP; weak etags are not.
pub(crate) fn parse(text: &str) -> Result<i64, Error> {
    let bare = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let version = i64::from_str_radix(bare, 16).ok().filter(|version| *version >= 0 && of_version(*version) == bare);
    version.ok_or_else(|| {
        let words = if text.starts_with("W/") {
            "weak etags cannot guard a write; send the record's own etag"
        } else {
            "the etag is invalid; send the etag of a response, unchanged"
        };
        Error::new(Reason::EtagInvalid, words)
    })
}

/// Returns the version that a caller expects, from the argument or the etag field of the record.
pub(crate) fn wanted(argument: &str, model: &Model, sent: Option<&Record>) -> Result<Option<i64>, Error> {
    let field = model.roles.etag.zip(sent).and_then(|(field, record)| match record.get(field) {
        Some(Value::String(etag)) => Some(etag.as_str()),
        _ => None,
    });
    let given = |etag: &str| if etag.is_empty() { Ok(None) } else { parse(etag).map(Some) };
    let (argument, field) = (given(argument)?, given(field.unwrap_or_default())?);
    if argument.zip(field).is_some_and(|(argument, field)| argument != field) {
        return Err(Error::field("etag", "etag", "is not the etag in the record; send one of them"));
    }
    Ok(argument.or(field))
}

/// Returns the error of a record that has changed.
pub(crate) fn mismatch(model: &Model, id: &groundplan_query::id::Id, current: i64) -> Error {
    let id = id.to_string();
    let message =
        format!("{} {id:?} has changed since the etag was given; read it again before you write", model.full_name);
    Error::new(Reason::EtagMismatch, message)
        .with_resource(&model.full_name, id)
        .with("currentEtag", of_version(current))
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
    fn the_argument_is_the_etag_where_the_model_has_no_field() {
        let entity = groundplan_model::compile(
            groundplan_model::Input::Files(vec![groundplan_model::SourceFile {
                path: "a/v1/a.proto".into(),
                content: "syntax = \"proto3\"; package a.v1; import \"groundplan/model/v1/model.proto\"; message Tagged { option (groundplan.model.v1.model) = {}; string id = 1; string etag = 2; }".into(),
            }]),
            &groundplan_model::StorageNames::default(),
        );
        let catalog = entity.unwrap().catalog;
        let model = catalog.model("a.v1.Tagged").unwrap();
        let mut sent = Record::new(model.shape());
        sent.set(model.roles.etag.unwrap(), Some(Value::String("ff".into())));
        assert_eq!(wanted("", model, Some(&sent)).unwrap(), Some(255));
        assert_eq!(wanted("\"ff\"", model, Some(&sent)).unwrap(), Some(255));
        assert_eq!(wanted("fe", model, None).unwrap(), Some(254));
        assert_eq!(wanted("", model, None).unwrap(), None);
        let refused = wanted("fe", model, Some(&sent)).unwrap_err();
        assert_eq!(refused.reason(), Reason::InvalidFields, "two etags that differ");
    }

    #[test]
    fn anything_else_is_refused() {
        for bad in ["", "\"", "\"\"", "W/\"ff\"", "FF", "0ff", "-1", "+1", "ffffffffffffffff", "x", "*", " ff"] {
            assert_eq!(parse(bad).unwrap_err().reason(), Reason::EtagInvalid, "{bad}");
        }
    }
}
