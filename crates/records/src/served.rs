//! A compiled revision.

use crate::formulas::Formulas;
use crate::table::Table;
use bytes::Bytes;
use groundplan_codec::{shorten_name, suggestion};
use groundplan_error::Error;
use groundplan_model::StorageNames;
use groundplan_model::catalog::{Catalog, Model};
use groundplan_query::{Compiled, QueryCache};
use std::collections::HashMap;
use std::sync::Arc;

/// A compiled revision. It is immutable, and each request keeps the one it started with.
pub(crate) struct Served {
    pub(crate) catalog: Arc<Catalog>,
    /// The tables by the model's full name.
    tables: HashMap<String, Arc<Table>>,
    queries: QueryCache,
}

impl Served {
    /// Compiles a revision.
    ///
    /// # Errors
    /// `INTERNAL` with a message for the user who applies.
    pub(crate) fn compile(catalog: Catalog) -> Result<Self, Error> {
        let validators = groundplan_validation::compile(&catalog).map_err(|diagnostics| {
            let messages: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
            Error::internal(format!(
                "the rules of revision {} cannot be compiled: {}",
                catalog.revision,
                messages.join("; ")
            ))
        })?;
        let tables = catalog.models.iter().map(|model| {
            let formulas = Formulas::compile(&catalog, model)?;
            let rules = (validators.get(model).clone(), validators.have_expressions());
            let table = Table::compile(&catalog, model.clone(), rules, formulas);
            Ok((model.full_name.clone(), Arc::new(table)))
        });
        let tables = tables.collect::<Result<_, Error>>()?;
        Ok(Self { tables, queries: QueryCache::default(), catalog: Arc::new(catalog) })
    }

    /// Returns the empty revision, which is served before the first apply.
    pub(crate) fn empty() -> Result<Self, Error> {
        let catalog = groundplan_model::load(0, Bytes::new(), &StorageNames::default())
            .map_err(|error| Error::internal(error.to_string()))?;
        Self::compile(catalog)
    }

    /// Returns the table of a model; `None` if the model is of another revision.
    pub(crate) fn table(&self, model: &Arc<Model>) -> Option<&Arc<Table>> {
        self.tables.get(&model.full_name).filter(|table| Arc::ptr_eq(&table.model, model))
    }

    /// Returns the table of the model that a field of a request names.
    ///
    /// # Errors
    /// A violation of the field if the model does not exist.
    pub(crate) fn named(&self, name: &str, field: &str) -> Result<&Arc<Table>, Error> {
        self.tables.get(name).ok_or_else(|| {
            let suggestion = suggestion(name, self.catalog.models.iter().map(|model| model.full_name.as_str()));
            let message = match name {
                "" => "is required: the full name of a model, such as example.v1.Entity".to_owned(),
                _ => format!("must be the full name of a model; there is no {:?}{suggestion}", shorten_name(name)),
            };
            Error::field(field, "model", message)
        })
    }

    /// Compiles a filter and an order over a model of this revision, or returns them from the cache.
    ///
    /// # Errors
    /// `FILTER_INVALID`, `ORDER_INVALID`.
    pub(crate) fn query(&self, model: &Arc<Model>, filter: &str, order_by: &str) -> Result<Arc<Compiled>, Error> {
        self.queries.compile(&self.catalog, model, filter, order_by)
    }

    /// Returns the number of the revision.
    pub(crate) fn revision(&self) -> i64 {
        self.catalog.revision
    }
}
