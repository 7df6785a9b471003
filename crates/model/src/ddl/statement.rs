//! Statements that change storage, and how they are run.

use crate::catalog::Table;

/// A statement that changes storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ddl {
    /// The SQL, with quoted identifiers and without parameters.
    pub sql: String,
    /// The transaction in which the statement runs.
    pub execution: Execution,
    /// The changed table.
    pub table: Table,
    /// The created object, so that the caller can check whether it already exists.
    pub creates: Option<DatabaseObject>,
}

/// The transaction in which a statement runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Execution {
    /// In one transaction with adjacent statements of this kind.
    InSharedTransaction,
    /// In a transaction of its own.
    InOwnTransaction,
    /// Outside of a transaction. A failure can leave an invalid index, which the caller must drop.
    OutsideTransaction,
    /// In batches of rows, each in a transaction of its own. The statement ends in a condition to which another one can
    /// be appended. Rows that are written in the meantime do not need it.
    InBatches,
}

/// A named object of the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseObject {
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
        match &self.creates {
            Some(DatabaseObject::Index(name)) => Some(name),
            _ => None,
        }
    }
}
