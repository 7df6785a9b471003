//! A filter and an order, compiled.

use super::Parent;
use crate::page_token::Origin;
use groundplan_error::{Error, Reason, Violation};
use groundplan_expr::{ExprError, Filter, OrderKey, Scope, order_by};
use groundplan_model::catalog::{Catalog, Model};
use std::sync::Arc;

/// A filter and an order over a model. The default one is all records in the order of their ids.
#[derive(Debug, Default)]
pub struct Compiled {
    /// The filter as the caller wrote it.
    text: String,
    pub filter: Option<Filter>,
    /// The keys of the order before the id. Keys after the id do not change the order.
    pub keys: Vec<OrderKey>,
    /// Whether ids descend; `None` if the order does not name them.
    pub ids_descend: Option<bool>,
}

impl Compiled {
    pub fn new(catalog: &Catalog, model: &Arc<Model>, filter: &str, order: &str) -> Result<Self, Error> {
        let scope = Scope { catalog, model };
        let compiled = match filter.trim() {
            "" => None,
            _ => Some(Filter::compile(scope, filter).map_err(|error| filter_error(&error))?),
        };
        let mut keys = order_by(scope, order).map_err(|error| order_error("order_by", &error))?;
        let mut ids_descend = None;
        if let Some(at) = keys.iter().position(|key| key.column == Some(model.roles.id)) {
            ids_descend = keys.get(at).map(|key| key.descending);
            keys.truncate(at);
        }
        Ok(Self { text: filter.to_owned(), filter: compiled, keys, ids_descend })
    }

    /// Reports whether the query returns all records in the order of their ids.
    pub fn is_everything(&self) -> bool {
        self.filter.is_none() && self.keys.is_empty() && self.ids_descend != Some(true)
    }

    /// Returns the size of its texts in bytes.
    pub fn bytes(&self) -> usize {
        let filter = self.filter.as_ref().map_or(0, |filter| filter.sql().text.len());
        self.text.len() + filter + self.keys.iter().map(|key| key.name.len() + key.sql.len()).sum::<usize>()
    }

    /// Returns the origin that page tokens of this query are bound to: everything that determines the meaning of their values.
    pub fn origin(&self, tenant: &str, model: &Model, parent: Option<&Parent>, with_deleted: bool) -> Origin {
        let parent = parent.map(|parent| (&model.shape().field(parent.field).storage_name, parent.id.to_string()));
        let (field, id) = parent.as_ref().map_or(("", ""), |(field, id)| (field, id));
        let sql = self.filter.as_ref().map_or("", |filter| &filter.sql().text);
        let mut parts = vec![tenant, &model.full_name, field, id, &self.text, sql, direction(self.ids_descend)];
        parts.push(if with_deleted { "with deleted" } else { "" });
        for key in &self.keys {
            parts.extend([key.sql.as_str(), key.sql_type, direction(Some(key.descending))]);
        }
        Origin::of(parts.into_iter().map(str::as_bytes))
    }
}

fn direction(descending: Option<bool>) -> &'static str {
    match descending {
        None => "",
        Some(false) => "asc",
        Some(true) => "desc",
    }
}

/// Returns the error of a filter.
fn filter_error(error: &ExprError) -> Error {
    invalid(Reason::FilterInvalid, "filter", "cel", error)
}

/// Returns the error of an order, or of another expression of a request.
pub fn order_error(field: &str, error: &ExprError) -> Error {
    invalid(Reason::OrderInvalid, field, "field", error)
}

fn invalid(reason: Reason, field: &str, rule: &'static str, error: &ExprError) -> Error {
    let description = format!("is not valid: {error}");
    let invalid = Error::new(reason, format!("{field}: {error}"));
    let invalid = invalid.with_violation(Violation { field: field.to_owned(), description, rule: rule.into() });
    match error.position {
        Some((line, column)) => invalid.with("line", line.to_string()).with("column", column.to_string()),
        None => invalid,
    }
}
