//! A selection of records, and the statements that read them.

use super::keyset::{self, Key};
use super::{Compiled, SqlBuilder};
use crate::bind::bind_id;
use crate::column::Column;
use crate::id::Id;
use crate::visibility::{not_expired, visible};
use bytes::Bytes;
use groundplan_chassis::database::{Bind, Columns, PgRow, database_error};
use groundplan_error::Error;
use groundplan_model::catalog::{IdFormat, Model};
use groundplan_model::shape::FieldId;

/// The parent of a related list, which contains only records that refer to it.
#[derive(Clone, Debug)]
pub struct Parent {
    /// The reference field of the listed model.
    pub field: FieldId,
    pub id: Id,
}

/// The records of a table that a request asks for.
#[derive(Clone, Copy)]
pub struct Selection<'a> {
    pub model: &'a Model,
    pub tenant: &'a str,
    pub compiled: &'a Compiled,
    pub parent: Option<&'a Parent>,
    /// The time of the request, in microseconds since the Unix epoch.
    pub now: i64,
    /// Whether to include deleted records.
    pub with_deleted: bool,
}

/// The part of the selected records to read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Part<'a> {
    /// Starts after the row whose keys have these values, the id's last.
    pub after: Option<&'a [Option<Bytes>]>,
    pub ids_descend: bool,
    pub limit: i64,
    pub skip: i64,
    /// Whether to count all selected records in the same snapshot.
    pub counted: bool,
}

/// The columns of a result row: `_version`, the fields, the keys that are not among them, and the count.
#[derive(Debug)]
pub struct Layout<'a> {
    pub columns: &'a [Column],
    /// The positions of the keys, the id's last.
    keys: Vec<usize>,
    /// The position of the first key that is not among the fields.
    extra: usize,
}

impl<'a> Layout<'a> {
    /// Returns the layout of rows with these columns. A `counted` row repeats all keys after its columns.
    pub fn new(model: &Model, compiled: &Compiled, columns: &'a [Column], counted: bool) -> Self {
        let extra = 1 + columns.len();
        let mut end = extra;
        let fields = compiled.keys.iter().map(|key| key.column).chain([Some(model.roles.id)]);
        let position = |field: Option<FieldId>| {
            let column = columns.iter().position(|column| !counted && Some(column.field) == field);
            column.map_or_else(
                || {
                    end += 1;
                    end - 1
                },
                |at| at + 1,
            )
        };
        let keys = fields.map(position).collect();
        Self { columns, keys, extra }
    }

    /// Returns the values of a row's keys.
    pub fn values(&self, row: &PgRow) -> Result<Vec<Option<Bytes>>, Error> {
        let value = |at: &usize| row.bytes(*at, |bytes| bytes.map(Bytes::copy_from_slice));
        self.keys.iter().map(value).collect::<Result<_, _>>().map_err(database_error)
    }

    /// Returns the count of a counted row.
    pub fn count(&self, row: &PgRow) -> Result<Option<i64>, Error> {
        row.i64(self.extra + self.keys.len()).map_err(database_error)
    }
}

impl<'a> Selection<'a> {
    /// Returns the statement that reads a part of the records.
    pub fn page(&self, layout: &Layout<'_>, part: &Part<'_>) -> SqlBuilder {
        let id = self.column(self.model.roles.id);
        let keys = self.keys(&id, part.ids_descend);
        let mut page = SqlBuilder::default();
        page.push("SELECT r._version");
        for column in layout.columns {
            page.push(", ").push(&self.column(column.field));
        }
        for (at, (key, _)) in
            keys.iter().zip(&layout.keys).enumerate().filter(|(_, (_, position))| **position >= layout.extra)
        {
            page.push(", ").push(key.sql).push(&format!(" AS {}", name_of_key(at)));
        }
        page.push(" FROM ");
        self.rows(&mut page, &keys, part);
        page.push(" ORDER BY ");
        order(&mut page, keys.iter().map(|key| (key.sql.to_owned(), key.descending)));
        page.push(" LIMIT ").value(Bind::i64(part.limit), "bigint");
        if part.skip > 0 {
            page.push(" OFFSET ").value(Bind::i64(part.skip), "bigint");
        }
        if !part.counted {
            return page;
        }
        let mut counted = SqlBuilder::default();
        counted.push("SELECT page.*, total.count FROM (").append(self.count()).push(") total LEFT JOIN (");
        counted.append(page).push(") page ON true ORDER BY ");
        order(
            &mut counted,
            keys.iter().enumerate().map(|(at, key)| (format!("page.{}", name_of_key(at)), key.descending)),
        );
        counted
    }

    /// Returns the statement that counts the records.
    pub fn count(&self) -> SqlBuilder {
        let mut builder = SqlBuilder::default();
        builder.push("SELECT count(*) FROM ");
        self.source(&mut builder);
        builder
    }

    /// Returns the statement that reads all records, for `EXPLAIN`.
    pub fn everything(&self) -> SqlBuilder {
        let mut builder = SqlBuilder::default();
        builder.push("SELECT FROM ");
        self.source(&mut builder);
        builder
    }

    /// Adds the table under the alias `r` with the condition of the selection.
    pub fn source(&self, builder: &mut SqlBuilder) {
        builder.push(&format!("{} r WHERE ", self.model.table.qualified()));
        builder.push("r._tenant = ").value(Bind::text(self.tenant), "text");
        builder.push(&if self.with_deleted { not_expired(self.model, "r") } else { visible(self.model, "r") });
        if let Some(parent) = self.parent {
            let of_type = if matches!(parent.id, Id::Uuid(_)) { "uuid" } else { "text" };
            builder.push(&format!(" AND {} = ", self.column(parent.field))).value(bind_id(&parent.id), of_type);
        }
        if let Some(filter) = &self.compiled.filter {
            builder.push(" AND (").fragment(filter.sql(), self.now).push(")");
        }
    }

    /// Adds the rows to cut a page from, under the alias `r`.
    fn rows(&self, builder: &mut SqlBuilder, keys: &[Key<'_>], part: &Part<'_>) {
        let at: Vec<_> = keys.iter().copied().zip(part.after.unwrap_or_default().iter().cloned()).collect();
        let mut conditions = keyset::rows_after(&at);
        if conditions.len() < 2 {
            self.source(builder);
            if let Some(condition) = conditions.pop() {
                builder.push(" AND ").append(condition);
            }
            return;
        }
        // An index serves each condition separately, but not their disjunction.
        builder.push("(");
        for (at, condition) in conditions.into_iter().enumerate() {
            builder.push(if at == 0 { "(SELECT r.* FROM " } else { " UNION ALL (SELECT r.* FROM " });
            self.source(builder);
            builder.push(" AND ").append(condition).push(" ORDER BY ");
            order(builder, keys.iter().map(|key| (key.sql.to_owned(), key.descending)));
            builder.push(" LIMIT ").value(Bind::i64(part.limit + part.skip), "bigint").push(")");
        }
        builder.push(") r");
    }

    /// Returns the keys of the order, and the id as the last one.
    fn keys<'k>(&'k self, id: &'k str, ids_descend: bool) -> Vec<Key<'k>> {
        let keys = self.compiled.keys.iter().map(|key| Key {
            sql: &key.sql,
            sql_type: key.sql_type,
            descending: key.descending,
            nullable: key.nullable,
        });
        let sql_type = id_type(self.model);
        keys.chain([Key { sql: id, sql_type, descending: ids_descend, nullable: false }]).collect()
    }

    fn column(&self, field: FieldId) -> String {
        format!("r.{}", self.model.column_name(field))
    }
}

/// Returns PostgreSQL's type of a model's ids.
fn id_type(model: &Model) -> &'static str {
    match model.id_format {
        IdFormat::UuidV7 => "uuid",
        IdFormat::ClientAssigned => "text",
    }
}

/// Returns the name of a key in the result, which no field's column can have.
fn name_of_key(at: usize) -> String {
    format!("\"key {at}\"")
}

fn order(builder: &mut SqlBuilder, keys: impl Iterator<Item = (String, bool)>) {
    for (at, (sql, descending)) in keys.enumerate() {
        builder.push(if at == 0 { "" } else { ", " }).push(&sql).push(if descending { " DESC" } else { "" });
    }
}
