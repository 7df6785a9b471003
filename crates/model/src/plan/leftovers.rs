//! Finds indexes and foreign keys of a failed revision that would restrict the records of the live one.

use super::{ColumnState, reference_step};
use crate::catalog::{Catalog, Model, Reference, Table};
use crate::ddl::{self, DatabaseObject, Ddl, Execution};
use crate::quote::quote;
use crate::shape::Cardinality;

/// An object that a failed revision left, and how to remove it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    pub table: Table,
    /// An index or a foreign key.
    pub object: DatabaseObject,
    /// The statements in order; each can be repeated.
    pub undo: Vec<Ddl>,
}

/// Returns the indexes and the foreign keys of `failed` that `live` does not have, on the tables of `live`. Tables and
/// columns of `failed` stay: they do no harm, and the next apply uses them.
pub fn find_leftovers(live: &Catalog, failed: &Catalog) -> Vec<Leftover> {
    let both = live.models.iter().filter_map(|model| Some((model, failed.model(&model.full_name)?)));
    both.filter(|(before, after)| before.table == after.table)
        .flat_map(|(before, after)| indexes(before, after).into_iter().chain(references(before, failed, after)))
        .collect()
}

fn indexes(before: &Model, after: &Model) -> Vec<Leftover> {
    let added = after.indexes.iter().filter(|index| before.indexes.iter().all(|old| old.name != index.name));
    let schema = quote(&after.table.schema);
    let leftover = |name: &str| {
        let sql = format!("DROP INDEX CONCURRENTLY IF EXISTS {schema}.{}", quote(name));
        let drop = Ddl { execution: Execution::OutsideTransaction, ..ddl::in_shared_transaction(after, sql) };
        Leftover { table: after.table.clone(), object: DatabaseObject::Index(name.to_owned()), undo: vec![drop] }
    };
    added.map(|index| leftover(&index.name)).collect()
}

fn references(before: &Model, failed: &Catalog, after: &Model) -> Vec<Leftover> {
    let is_added = |reference: &&Reference| before.references.iter().all(|old| old.constraint != reference.constraint);
    let leftover = |reference: &Reference| {
        let number = after.shape().field(reference.field).number;
        let column = match before.shape().by_number(number) {
            Some(old) => {
                ColumnState::Texts { never_null: before.shape().field(old).cardinality == Cardinality::Implicit }
            }
            None => ColumnState::IdsOnly,
        };
        let undo = reference_step(failed, after, reference, column)?.undo;
        let object = DatabaseObject::ForeignKey(reference.constraint.clone());
        Some(Leftover { table: after.table.clone(), object, undo })
    };
    after.references.iter().filter(is_added).filter_map(leftover).collect()
}
