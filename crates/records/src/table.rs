//! A model's SQL statements, built once per revision. They name each column, so that new columns do not change prepared
//! statements.

use crate::behavior::Behaviors;
use crate::etag;
use crate::formulas::Formulas;
use bytes::Bytes;
use groundplan_chassis::database::Sql;
use groundplan_codec::{Record, Stored, Value};
use groundplan_eventlog::append_after_change;
use groundplan_model::catalog::{Catalog, Model};
use groundplan_query::column::Column;
use groundplan_query::visibility::{can_hide_records, not_expired};
use groundplan_query::{Compiled, Layout, Part, Selection};
use groundplan_validation::Validate;
use std::sync::Arc;

/// A model with everything that its operations need.
pub(crate) struct Table {
    pub(crate) model: Arc<Model>,
    pub(crate) validator: Arc<dyn Validate>,
    pub(crate) behaviors: Behaviors,
    pub(crate) formulas: Formulas,
    pub(crate) columns: Vec<Column>,
    pub(crate) statements: Statements,
    /// Whether it refers to a model that can have invisible stored records. Then foreign keys are not sufficient.
    pub(crate) refers_to_hidden: bool,
    /// Whether writes evaluate expressions: defaults, computed fields, or rules.
    pub(crate) has_expressions: bool,
}

/// The statements. Each comment lists the binds in order. Selected rows contain `_version`, then the columns. Writes append to
/// the event log, with the binds of the event last.
pub(crate) struct Statements {
    /// `_tenant`, `_version`, columns. Inserts no row if the id exists.
    pub(crate) insert: Sql,
    /// `_tenant`, id.
    pub(crate) get: Sql,
    /// `_tenant`, id. Selects only `_version`.
    pub(crate) version: Sql,
    /// New `_version`, updatable columns, `_tenant`, id, old `_version`.
    pub(crate) update: Sql,
    /// `_tenant`, id, `_version`.
    pub(crate) delete: Sql,
    /// `_tenant`, limit. Selects all records in the order of their ids.
    pub(crate) list_first: Sql,
    /// `_tenant`, the last id of the previous page, limit.
    pub(crate) list_next: Sql,
}

impl Table {
    pub(crate) fn compile(
        catalog: &Catalog,
        model: Arc<Model>,
        (validator, has_expressions): (Arc<dyn Validate>, bool),
        formulas: Formulas,
    ) -> Self {
        let columns = Column::of_model(&model);
        let statements = Statements::build(&model, &columns);
        let refers_to_hidden = model
            .references
            .iter()
            .any(|reference| catalog.model(&reference.target).is_some_and(|target| can_hide_records(target)));
        let behaviors = Behaviors::of_model(&model);
        let has_expressions = has_expressions || !formulas.is_empty();
        Self { behaviors, formulas, model, validator, columns, statements, refers_to_hidden, has_expressions }
    }

    /// Returns the record as callers see it, with its etag and without input-only fields.
    pub(crate) fn show(&self, mut record: Record, version: i64) -> Stored {
        let etag = etag::of_version(version);
        if let Some(field) = self.model.roles.etag {
            record.set(field, Some(Value::String(etag.clone())));
        }
        self.behaviors.hide_input_only(&self.model, &mut record);
        Stored { record, etag }
    }

    /// Returns the columns that an update writes.
    pub(crate) fn updatable_columns(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| is_updatable(&self.model, column))
    }
}

/// Reports whether an update can change a column.
fn is_updatable(model: &Model, column: &Column) -> bool {
    column.field != model.roles.id && Some(column.field) != model.roles.created_at
}

impl Statements {
    fn build(model: &Model, columns: &[Column]) -> Self {
        let name = |column: &Column| model.column_name(column.field);
        let table = model.table.qualified();
        let id = model.column_name(model.roles.id);
        let names: Vec<String> = columns.iter().map(name).collect();
        let names = names.join(", ");
        let placeholders = vec!["?"; columns.len() + 2].join(", ");
        let changes: Vec<String> = columns
            .iter()
            .filter(|column| is_updatable(model, column))
            .map(|column| format!(", {} = ?", name(column)))
            .collect();
        let changes = changes.concat();
        let key = format!("_tenant = ? AND {id} = ?");
        let select = format!("SELECT _version, {names} FROM {table}");
        let everything = Compiled::default();
        let selection =
            Selection { model, tenant: "", compiled: &everything, parent: None, now: 0, with_deleted: false };
        let layout = Layout::new(model, &everything, columns, false);
        // Other lists use the same statements.
        let list = |part: &Part<'_>| Sql::new(selection.page(&layout, part).text());
        Self {
            insert: append_after_change(&format!(
                "INSERT INTO {table} (_tenant, _version, {names}) VALUES ({placeholders}) ON CONFLICT (_tenant, {id}) DO NOTHING"
            )),
            get: Sql::new(&format!("{select} AS r WHERE {key}{}", not_expired(model, "r"))),
            version: Sql::new(&format!("SELECT _version FROM {table} WHERE {key}")),
            update: append_after_change(&format!(
                "UPDATE {table} SET _version = ?{changes} WHERE {key} AND _version = ?"
            )),
            delete: append_after_change(&format!("DELETE FROM {table} WHERE {key} AND _version = ?")),
            list_first: list(&Part::default()),
            list_next: list(&Part { after: Some(&[Some(Bytes::new())]), ..Part::default() }),
        }
    }
}
