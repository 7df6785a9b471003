//! Converts database errors of writes to errors for the caller.

use crate::tx_error::TxError;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use groundplan_chassis::database::database_error;
use groundplan_error::{Error, Reason, Violation};
use groundplan_model::catalog::{Index, Model};
use groundplan_query::index_keys::MAX_INDEX_KEY;

/// Converts the database error of a failed write.
pub(super) fn of_write(model: &Model, error: DieselError) -> Error {
    match &error {
        DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, facts) => {
            let constraint = facts.constraint_name().unwrap_or_default();
            not_unique(model, constraint).caused_by(error)
        }
        // Diesel has no kind for SQLSTATE 54000: PostgreSQL's size limits for index entries and rows.
        DieselError::DatabaseError(DatabaseErrorKind::Unknown, facts) => match limit_of(facts.message()) {
            Some(Limit::Row) => {
                let message =
                    format!("the columns of this {} are too large together for one row of PostgreSQL", model.name);
                Error::new(Reason::TooLarge, message).caused_by(error)
            }
            Some(Limit::IndexRow) => too_long_for_index(model, facts.constraint_name()).caused_by(error),
            None => database_error(error),
        },
        _ => database_error(error),
    }
}

/// Returns the error that stops a transaction after a statement about one record of a request failed. `place` is the
/// record's path in the request.
pub(super) fn stop(model: &Model, error: DieselError, place: &str) -> TxError {
    if is_constraint(&error) { of_write(model, error).within(place).into() } else { error.into() }
}

/// Returns whether the record violates a constraint or a size limit of its table.
pub(super) fn is_constraint(error: &DieselError) -> bool {
    use DatabaseErrorKind as Kind;
    matches!(
        error,
        DieselError::DatabaseError(Kind::UniqueViolation | Kind::ForeignKeyViolation | Kind::CheckViolation, _)
    ) || is_limit(error)
}

/// Returns the error for a foreign key that the served model does not have. The key belongs to an apply that is not
/// finished, or was created with SQL.
pub(super) fn unknown_reference(model: &Model, constraint: &str) -> Error {
    let message = format!(
        "this {} refers to a record that does not exist, says the foreign key {constraint} of its table",
        model.name
    );
    Error::new(Reason::InvalidFields, message).with("constraint", constraint)
}

/// Converts the database error of a failed delete.
pub(super) fn of_delete(model: &Model, error: DieselError) -> Error {
    match &error {
        // Served references are checked before the delete, so the served model does not have this key; see
        // `unknown_reference`.
        DieselError::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, facts) => {
            let constraint = facts.constraint_name().unwrap_or_default();
            let table = facts.table_name().unwrap_or_default();
            let message = format!(
                "this {} cannot be deleted while rows of the table {table} refer to it, says its foreign key {constraint}",
                model.name
            );
            Error::new(Reason::RecordReferenced, message).with("constraint", constraint).caused_by(error)
        }
        _ => database_error(error),
    }
}

/// Returns whether a record is too large for its table or an index.
fn is_limit(error: &DieselError) -> bool {
    matches!(error, DieselError::DatabaseError(DatabaseErrorKind::Unknown, facts) if limit_of(facts.message()).is_some())
}

/// A size limit of PostgreSQL's pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limit {
    Row,
    IndexRow,
}

/// Returns the limit that a PostgreSQL message is about. Diesel does not expose the SQLSTATE.
fn limit_of(message: &str) -> Option<Limit> {
    if message.starts_with("row is too big") {
        Some(Limit::Row)
    } else if message.starts_with("index row size ") || message.starts_with("index row requires ") {
        Some(Limit::IndexRow)
    } else {
        None
    }
}

/// Returns the error for values that are too long for an index that the served model does not have; the model's indexes are
/// checked before the write. The index belongs to an apply that is not finished, or was created with SQL.
fn too_long_for_index(model: &Model, index: Option<&str>) -> Error {
    let which = index.map_or_else(|| "an index".to_owned(), |index| format!("the index {index}"));
    let message = format!(
        "values of this {} are too long for {which} of its table; shorten them to {MAX_INDEX_KEY} bytes together",
        model.name
    );
    let refused = Error::new(Reason::InvalidFields, message);
    match index {
        Some(index) => refused.with("index", index),
        None => refused,
    }
}

/// Returns the error for a record with the same unique values as another record.
fn not_unique(model: &Model, constraint: &str) -> Error {
    let Some(index) = model.indexes.iter().find(|index| index.name == constraint) else {
        // The index belongs to an apply that is not finished, or that failed.
        let message = format!("another {} has the same values in the unique index {constraint}", model.name);
        return Error::new(Reason::NotUnique, message).with("index", constraint);
    };
    let names = field_names(model, index);
    let message = format!("another {} has the same {}", model.name, names.join(" and "));
    let refused = Error::new(Reason::NotUnique, message).with("index", constraint).with("fields", names.join(","));
    let together = if names.len() == 1 { String::new() } else { format!(", together with {}", names.join(" and ")) };
    names.iter().fold(refused, |refused, name| {
        let description = format!("is that of another {} already{together}", model.name);
        refused.with_violation(Violation { field: (*name).to_owned(), description, rule: "unique".into() })
    })
}

/// Returns the names of an index's fields.
fn field_names<'a>(model: &'a Model, index: &Index) -> Vec<&'a str> {
    index.fields.iter().map(|indexed| model.shape().field(indexed.field).name.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::{Limit, limit_of};

    #[test]
    fn limits_are_told_by_their_words() {
        let index = "index row size 3016 exceeds btree version 4 maximum 2704 for index \"by_text\"";
        assert_eq!(limit_of(index), Some(Limit::IndexRow));
        assert_eq!(limit_of("index row requires 20024 bytes, maximum size is 8191"), Some(Limit::IndexRow));
        assert_eq!(limit_of("row is too big: size 9000, maximum size 8160"), Some(Limit::Row));
        assert_eq!(limit_of("out of shared memory"), None);
    }
}
