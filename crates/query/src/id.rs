//! Ids of records, as callers send them and as they are stored.

use groundplan_codec::{Record, Value};
use groundplan_error::Error;
use groundplan_model::catalog::{IdFormat, Model};
use std::fmt;
use uuid::Uuid;

/// The maximum length of an id from a caller, in bytes.
pub const MAX_ID: usize = 128;

/// The length of a UUID in its hyphenated form.
const UUID_LENGTH: usize = 36;

/// An id of its model's format.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Id {
    Uuid(Uuid),
    Text(String),
}

impl Id {
    /// Parses an id from a caller.
    ///
    /// # Errors
    /// A violation of the model's id field.
    pub fn parse(model: &Model, text: &str) -> Result<Self, Error> {
        Self::read(model, text).map_err(|(rule, description)| Error::field(name(model), rule, description))
    }

    /// Parses an id from a caller. The error is a rule and a description without the field's name.
    pub fn read(model: &Model, text: &str) -> Result<Self, (&'static str, &'static str)> {
        if text.is_empty() {
            return Err(("required", "is required"));
        }
        match model.id_format {
            IdFormat::UuidV7 => {
                let uuid = (text.len() == UUID_LENGTH).then(|| Uuid::try_parse(text).ok()).flatten();
                uuid.map(Self::Uuid)
                    .ok_or(("string.uuid", "must be a UUID such as 0198c0de-7a5e-7c3b-9d41-0242ac120002"))
            }
            IdFormat::ClientAssigned if is_client_assigned(text) => Ok(Self::Text(text.to_owned())),
            IdFormat::ClientAssigned => {
                Err(("string.id", "must be 1 to 128 characters of A-Z a-z 0-9 . _ ~ -, the first a letter or a digit"))
            }
        }
    }

    /// Returns the id for a new record: the caller's, or a new one if the server assigns ids.
    ///
    /// # Errors
    /// Those of [`Id::parse`].
    pub fn for_create(model: &Model, given: Option<&Value>) -> Result<Self, Error> {
        match (given, model.id_format) {
            (Some(Value::String(text)), _) => Self::parse(model, text),
            (_, IdFormat::UuidV7) => Ok(Self::Uuid(Uuid::now_v7())),
            (_, IdFormat::ClientAssigned) => Self::parse(model, ""),
        }
    }

    /// Returns the id of a stored record. SQL can write ids that callers cannot send; they are returned unchanged.
    pub fn of_record(model: &Model, record: &Record) -> Result<Self, Error> {
        match record.get(model.roles.id) {
            Some(Value::String(text)) => Self::of_stored(model, text),
            // A record does not hold empty texts.
            _ => Self::of_stored(model, ""),
        }
    }

    /// Parses the text of a stored id.
    ///
    /// # Errors
    /// `INTERNAL` if it is not a UUID and the model's ids are.
    pub fn of_stored(model: &Model, text: &str) -> Result<Self, Error> {
        match model.id_format {
            IdFormat::UuidV7 => Uuid::try_parse(text).map(Self::Uuid).map_err(|error| {
                let table = &model.table;
                Error::internal(format!(
                    "the row {text:?} of table {}.{} has no UUID: {error}",
                    table.schema, table.name
                ))
            }),
            IdFormat::ClientAssigned => Ok(Self::Text(text.to_owned())),
        }
    }

    /// Returns the id as a value of a record. UUIDs are in lower case.
    pub fn to_value(&self) -> Value {
        Value::String(self.to_string())
    }
}

impl fmt::Display for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uuid(uuid) => uuid.hyphenated().fmt(formatter),
            Self::Text(text) => text.fmt(formatter),
        }
    }
}

/// Returns the name of the model's id field.
fn name(model: &Model) -> &str {
    &model.shape().field(model.roles.id).name
}

fn is_client_assigned(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.len() <= MAX_ID
        && bytes.next().is_some_and(|first| first.is_ascii_alphanumeric())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::is_client_assigned;

    #[test]
    fn client_assigned_ids() {
        for good in ["a", "0", "A-b_c.d~e", &"x".repeat(128)] {
            assert!(is_client_assigned(good), "{good}");
        }
        for bad in ["", "-a", ".", "a/b", "a b", "é", "a\0", &"x".repeat(129)] {
            assert!(!is_client_assigned(bad), "{bad}");
        }
    }
}
