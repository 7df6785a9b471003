//! Why the storage cannot be made, in words for the one who applies.

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use groundplan_chassis::database::database_error;
use groundplan_error::{Error, Reason};
use groundplan_model::catalog::{Catalog, Index, Model};
use groundplan_model::{DatabaseObject, Ddl, Step};

/// What stopped the work.
pub(crate) enum Trouble {
    /// Nothing more is to be said.
    Explained(Error),
    /// The database, outside of a step.
    Database(DieselError),
    /// The database, in a step.
    Step {
        description: String,
        index: Option<(String, String)>,
        /// The extension that could not be made.
        extension: Option<&'static str>,
        error: DieselError,
    },
}

impl From<DieselError> for Trouble {
    fn from(error: DieselError) -> Self {
        Self::Database(error)
    }
}

impl Trouble {
    /// Statements of a step have failed.
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

    /// The error for the one who applies.
    pub(crate) fn explained(self, target: &Catalog) -> Error {
        let (description, index, extension, error) = match self {
            Self::Explained(error) => return error,
            Self::Database(error) => return database_error(error),
            Self::Step { description, index, extension, error } => (description, index, extension, error),
        };
        let DieselError::DatabaseError(kind, facts) = &error else { return database_error(error) };
        let words = match kind {
            DatabaseErrorKind::UniqueViolation => {
                let found = index.and_then(|(schema, name)| find_index(target, &schema, &name));
                duplicate(found, facts.details())
            }
            _ if facts.message().contains("due to lock timeout") => {
                "another transaction has locked the table for too long; end it (pg_stat_activity shows it) and apply again"
                    .to_owned()
            }
            _ => match extension {
                Some(extension) => no_extension(extension, facts.message()),
                None => facts.message().to_owned(),
            },
        };
        let refused = database_error(error);
        match refused.reason() {
            // It is not the step's fault.
            Reason::DatabaseUnavailable => refused,
            _ => Error::new(Reason::StepFailed, format!("{description}: {words}")).caused_by(refused.log_text()),
        }
    }
}

/// The database's user may not make an extension, or the server does not have it.
fn no_extension(extension: &str, message: &str) -> String {
    format!(
        "the database rejects the extension {extension} ({message}); let a superuser run `CREATE EXTENSION {extension}` in this \
         database, after installing PostgreSQL's contrib modules if the server lacks them, and apply again"
    )
}

/// The model and the index of a name.
fn find_index<'a>(target: &'a Catalog, schema: &str, name: &str) -> Option<(&'a Model, &'a Index)> {
    target.models.iter().filter(|model| model.table.schema == schema).find_map(|model| {
        let index = model.indexes.iter().find(|index| index.name == name)?;
        Some((model.as_ref(), index))
    })
}

/// Two records stand in the way of a unique index.
fn duplicate(found: Option<(&Model, &Index)>, details: Option<&str>) -> String {
    // Such as `Key (_tenant, code)=(default, x) is duplicated.`
    let details = details.unwrap_or_default().trim_end_matches('.');
    let Some((model, index)) = found else { return format!("records have the same values: {details}") };
    let names: Vec<&str> =
        index.fields.iter().map(|indexed| model.shape().field(indexed.field).name.as_str()).collect();
    format!(
        "the unique index {} cannot be built: several {} have the same {} ({details}); change all but one of them",
        index.name,
        model.full_name,
        names.join(" and ")
    )
}
