//! What the database's refusals of a write mean to the caller.

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use groundplan_chassis::database::refusal;
use groundplan_error::{Error, Reason};
use groundplan_model::catalog::{Index, Model};

/// Gives a failed write its meaning.
pub(super) fn of_write(model: &Model, error: DieselError) -> Error {
    match &error {
        DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, facts) => {
            let constraint = facts.constraint_name().unwrap_or_default();
            not_unique(model, constraint).caused_by(error)
        }
        // There is no kind for SQLSTATE 54000 here; an index or a row of PostgreSQL has its limits in pages.
        DieselError::DatabaseError(DatabaseErrorKind::Unknown, facts)
            if facts.message().starts_with("row is too big") =>
        {
            let message =
                format!("the columns of this {} are too large together for one row of PostgreSQL", model.name);
            Error::new(Reason::TooLarge, message).caused_by(error)
        }
        _ => refusal(error),
    }
}

/// Another record has the same values.
fn not_unique(model: &Model, constraint: &str) -> Error {
    let Some(index) = model.indexes.iter().find(|index| index.name == constraint) else {
        // An index of an apply that is not finished, or that failed.
        let message = format!("another {} has the same values in the unique index {constraint}", model.name);
        return Error::new(Reason::NotUnique, message).with("index", constraint);
    };
    let names = field_names(model, index);
    let message = format!("another {} has the same {}", model.name, names.join(" and "));
    Error::new(Reason::NotUnique, message).with("index", constraint).with("fields", names.join(","))
}

/// The fields of an index, by name.
fn field_names<'a>(model: &'a Model, index: &Index) -> Vec<&'a str> {
    index.fields.iter().map(|indexed| model.shape().field(indexed.field).name.as_str()).collect()
}
