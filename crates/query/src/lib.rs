//! Queries on the records of a model: filters and orders are compiled once, and become SQL statements with binds.
//!
//! A [`Compiled`] is a filter and an order over a model. A [`Selection`] chooses records and writes the statements.
//! [`advice`] names the index that serves a query, and [`StatementCachePolicy`] decides which statements the connections keep
//! prepared. [`page_token`], [`column`], [`bind`] and [`row`] translate between records, PostgreSQL's formats and tokens.

pub mod advice;
pub mod bind;
pub mod column;
mod compiled;
pub mod id;
pub mod index_keys;
mod keyset;
pub mod page_token;
mod plan;
mod query_cache;
pub mod references;
pub mod row;
mod selection;
mod sql_builder;
mod statement_cache;
pub mod visibility;

pub use compiled::{Compiled, order_error};
pub use plan::Plan;
pub use query_cache::QueryCache;
pub use selection::{Layout, Parent, Part, Selection};
pub use sql_builder::SqlBuilder;
pub use statement_cache::{MAX_KEPT, StatementCachePolicy};

#[cfg(test)]
mod testing {
    use groundplan_model::catalog::Catalog;
    use groundplan_model::{Input, SourceFile, StorageNames};

    /// Compiles a revision of one file.
    pub(crate) fn catalog(revision: i64, source: &str) -> Catalog {
        let file = SourceFile { path: "test/v1/models.proto".to_owned(), content: source.to_owned() };
        let compiled = groundplan_model::compile(Input::Files(vec![file]), &StorageNames::default());
        let compiled = compiled.unwrap_or_else(|diagnostics| panic!("{diagnostics:#?}"));
        groundplan_model::load(revision, compiled.catalog.descriptor_set, &compiled.storage_names).unwrap()
    }
}
