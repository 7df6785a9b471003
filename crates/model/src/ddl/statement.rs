//! Statements that change storage, and how they are run.

use crate::catalog::Table;

/// A statement that changes storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ddl {
    /// The SQL, with quoted identifiers and without parameters.
    pub sql: String,
    /// The transaction in which the statement runs.
    pub run: Run,
    /// The changed table.
    pub table: Table,
    /// The created object, so that the caller can check whether it already exists.
    pub makes: Option<Object>,
}

/// The transaction in which a statement runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// In one transaction with adjacent statements of this kind.
    Together,
    /// In a transaction of its own.
    Alone,
    /// Outside of a transaction. A failure can leave an invalid index, which the caller must drop.
    Concurrently,
    /// In batches of rows, each in a transaction of its own. The statement ends in a condition to which another one can
    /// be appended. Rows that are written in the meantime do not need it.
    InBatches,
}

/// A named object of the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object {
    /// An index of the table.
    Index(String),
    /// A constraint of the table. It has no `IF NOT EXISTS`, so the caller must not create it if it already exists.
    ForeignKey(String),
    /// An extension of the database. The caller must not create it if it already exists in any schema.
    Extension(&'static str),
}

impl Ddl {
    /// Returns the name of the index that the statement creates.
    pub fn index(&self) -> Option<&str> {
        match &self.makes {
            Some(Object::Index(name)) => Some(name),
            _ => None,
        }
    }
}
