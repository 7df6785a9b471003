//! Errors of the work on the storage, with messages for the user who applies.

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use groundplan_chassis::database::database_error;
use groundplan_error::{Error, Reason};
use groundplan_model::catalog::{Catalog, Index, Model};
use groundplan_model::{DatabaseObject, Ddl, Step};

/// Why the work stopped.
pub(super) enum StorageError {
    /// An error with its final message.
    Explained(Error),
    /// An error of the database outside of a step.
    Database(DieselError),
    /// An error of the database in a step.
    Step {
        description: String,
        index: Option<(String, String)>,
        /// The extension that the step creates.
        extension: Option<&'static str>,
        error: DieselError,
    },
}

impl From<DieselError> for StorageError {
    fn from(error: DieselError) -> Self {
        Self::Database(error)
    }
}

impl StorageError {
    /// Returns the error of failed statements of a step.
    pub(super) fn in_step(step: &Step, statements: &[Ddl], error: DieselError) -> Self {
        let index = statements.iter().rev().find_map(|statement| {
            let index = statement.index()?.to_owned();
            Some((statement.table.schema.clone(), index))
        });
        let extension = statements.iter().find_map(|statement| match statement.creates {
            Some(DatabaseObject::Extension(name)) => Some(name),
            _ => None,
        });
        Self::Step { description: step.description.clone(), index, extension, error }
    }

    /// Returns the error for the user who applies.
    pub(super) fn explained(self, target: &Catalog) -> Error {
        let (description, index, extension, error) = match self {
            Self::Explained(error) => return error,
            Self::Database(error) => return database_error(error),
            Self::Step { description, index, extension, error } => (description, index, extension, error),
        };
        let DieselError::DatabaseError(kind, info) = &error else { return database_error(error) };
        let message = match kind {
            DatabaseErrorKind::UniqueViolation => {
                let index = index.and_then(|(schema, name)| find_index(target, &schema, &name));
                duplicate(index, info.details())
            }
            _ if info.message().contains("due to lock timeout") => {
                "another transaction has locked the table for too long; end it (pg_stat_activity shows it) and apply again"
                    .to_owned()
            }
            _ => match extension {
                Some(extension) => no_extension(extension, info.message()),
                None => info.message().to_owned(),
            },
        };
        let database_error = database_error(error);
        match database_error.reason() {
            // The step is not the cause.
            Reason::DatabaseUnavailable => database_error,
            _ => {
                Error::new(Reason::StepFailed, format!("{description}: {message}")).caused_by(database_error.log_text())
            }
        }
    }
}

/// Returns the message for a missing extension: the database's user cannot create it, or the server lacks it.
fn no_extension(extension: &str, message: &str) -> String {
    format!(
        "the database rejects the extension {extension} ({message}); let a superuser run `CREATE EXTENSION {extension}` in this \
         database, after installing PostgreSQL's contrib modules if the server lacks them, and apply again"
    )
}

/// Returns the model and the index of a name.
fn find_index<'a>(target: &'a Catalog, schema: &str, name: &str) -> Option<(&'a Model, &'a Index)> {
    target.models.iter().filter(|model| model.table.schema == schema).find_map(|model| {
        let index = model.indexes.iter().find(|index| index.name == name)?;
        Some((model.as_ref(), index))
    })
}

/// Returns the message for records that violate a unique index.
fn duplicate(index: Option<(&Model, &Index)>, details: Option<&str>) -> String {
    // For example `Key (_tenant, code)=(default, x) is duplicated.`
    let details = details.unwrap_or_default().trim_end_matches('.');
    let Some((model, index)) = index else { return format!("records have the same values: {details}") };
    let names: Vec<&str> =
        index.fields.iter().map(|indexed| model.shape().field(indexed.field).name.as_str()).collect();
    format!(
        "the unique index {} cannot be built: several {} have the same {} ({details}); change all but one of them",
        index.name,
        model.full_name,
        names.join(" and ")
    )
}
