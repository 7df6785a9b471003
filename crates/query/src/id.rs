//! Ids: what callers may send, and what is kept.

use groundplan_codec::{Record, Value};
use groundplan_error::Error;
use groundplan_model::catalog::{IdFormat, Model};
use std::fmt;
use uuid::Uuid;

/// The longest id that callers may give, in bytes.
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
    /// Reads what a caller sent.
    pub fn parse(model: &Model, text: &str) -> Result<Self, Error> {
        Self::read(model, text).map_err(|(rule, description)| Error::field(name(model), rule, description))
    }

    /// The same, with the rule that it breaks and the words for whoever knows the field's name.
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

    /// The id of a record that is about to be created: the caller's, or a new one where the server makes them.
    pub fn for_create(model: &Model, given: Option<&Value>) -> Result<Self, Error> {
        match (given, model.id_format) {
            (Some(Value::String(text)), _) => Self::parse(model, text),
            (_, IdFormat::UuidV7) => Ok(Self::Uuid(Uuid::now_v7())),
            (_, IdFormat::ClientAssigned) => Self::parse(model, ""),
        }
    }

    /// The id of a stored record. SQL may have written one that no caller may give; what it has is taken as it is.
    pub fn of_record(model: &Model, record: &Record) -> Result<Self, Error> {
        match record.get(model.roles.id) {
            Some(Value::String(text)) => Self::of_stored(model, text),
            // The empty text is absent in a record.
            _ => Self::of_stored(model, ""),
        }
    }

    /// Reads the text of a stored id.
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

    /// As it stands in the record: a UUID in lower case.
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

/// The name of the model's id field.
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
