//! Statements that change storage, and how they are run.

use crate::catalog::Table;

/// A statement that changes storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ddl {
    /// Identifiers are quoted; there is nothing to bind.
    pub sql: String,
    /// How it is run.
    pub run: Run,
    /// The table that it changes.
    pub table: Table,
    /// What it makes, so that it can be seen whether that is there.
    pub makes: Option<Object>,
}

/// How a statement is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// In one transaction with its neighbours of this kind.
    Together,
    /// In a transaction of its own.
    Alone,
    /// Outside of a transaction. If it fails, it may leave an invalid index behind, to be dropped.
    Concurrently,
    /// Part of the table after part of the table, each in a transaction of its own: it ends in a condition to which another
    /// can be added. Rows that are written meanwhile need it not.
    InBatches,
}

/// A thing with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object {
    /// An index of the table.
    Index(String),
    /// A constraint of the table. Unlike the others it cannot be made `IF NOT EXISTS`: not if it is there already.
    ForeignKey(String),
    /// An extension of the database. Not to be made if it is there already, in whatever schema.
    Extension(&'static str),
}

impl Ddl {
    /// The index that it builds.
    pub fn index(&self) -> Option<&str> {
        match &self.makes {
            Some(Object::Index(name)) => Some(name),
            _ => None,
        }
    }
}
