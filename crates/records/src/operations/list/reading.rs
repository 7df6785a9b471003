//! A list query that has passed all checks that need no database.

use super::super::expand::Paths;
use crate::call::Call;
use crate::clock::now;
use crate::scan::{self, Scan};
use crate::streamed::rows_until;
use crate::table::Table;
use bytes::Bytes;
use groundplan_chassis::database::{Bind, Columns, PgRow, database_error};
use groundplan_codec::Stored;
use groundplan_codec::mask::ReadMask;
use groundplan_error::Error;
use groundplan_operations::ListQuery;
use groundplan_operations::limits::{DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, MAX_SKIP};
use groundplan_proto::query::v1::Count;
use groundplan_query::column::Column;
use groundplan_query::page_token::{Cursor, Origin};
use groundplan_query::row;
use groundplan_query::{Compiled, Layout, Parent, Part, Selection, SqlBuilder, advice};
use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};

/// A list query that is ready to be read.
pub(crate) struct Reading<'c> {
    pub(crate) call: &'c Call<'c>,
    pub(crate) compiled: Arc<Compiled>,
    parent: Option<&'c Parent>,
    pub(super) mask: ReadMask,
    pub(crate) paths: Paths,
    /// The columns that the mask needs; `None` means all columns of the table.
    columns: Option<Vec<Column>>,
    /// The most records of the page.
    pub(crate) size: usize,
    pub(crate) skip: i64,
    count: Count,
    allow_scan: bool,
    /// The query that a page token is bound to. It is computed on demand, because most pages have no token.
    origin: OnceLock<Origin>,
    /// The time of the first page's request, in microseconds since the Unix epoch.
    now: i64,
    ids_descend: bool,
    /// The keys of the last record of the previous page.
    pub(crate) after: Option<Vec<Option<Bytes>>>,
    with_deleted: bool,
}

impl<'c> Reading<'c> {
    pub(crate) fn begin(call: &'c Call<'c>, query: &ListQuery, parent: Option<&'c Parent>) -> Result<Self, Error> {
        let model = &call.table.model;
        if query.show_deleted && model.soft_delete.is_none() {
            let words =
                format!("must be left out: {} has no soft_delete, and keeps no deleted records", model.full_name);
            return Err(Error::field("show_deleted", "soft_delete", words));
        }
        let size = page_size_of(query.page_size)?;
        let skip = skip_of(query.skip)?;
        let mask = ReadMask::parse(&model.shapes, model.shape, &query.view.read_mask)?;
        let paths = Paths::parse(&call.served.catalog, model, &query.view.expand)?;
        let compiled = call.served.query(model, &query.filter, &query.order_by)?;
        let origin = OnceLock::new();
        let now = now()?;
        let (now, ids_descend, after) = match query.page_token.as_str() {
            "" => (now, advice::ids_descend(model, &compiled, parent), None),
            token => {
                let origin =
                    origin.get_or_init(|| compiled.origin(&call.principal.tenant, model, parent, query.show_deleted));
                let cursor = call.records.page_tokens().open(origin, token, now)?;
                (cursor.now, cursor.ids_descend, Some(cursor.values))
            }
        };
        let columns = columns_of(&call.table, &mask, &paths);
        let (count, allow_scan) = (query.count, query.allow_scan);
        Ok(Self {
            call,
            compiled,
            parent,
            mask,
            paths,
            columns,
            size,
            skip,
            count,
            allow_scan,
            origin,
            now,
            ids_descend,
            after,
            with_deleted: query.show_deleted,
        })
    }

    /// Returns the full scan that the page or its count requires, or `None` if indexes serve both.
    pub(crate) fn scan(&self) -> Option<Scan> {
        let model = &self.call.table.model;
        if !advice::serves_page(model, &self.compiled, self.parent) {
            return Some(Scan::of_query(model, &self.compiled));
        }
        let counts_all = self.count == Count::Exact && !advice::narrows(model, &self.compiled, self.parent);
        let instead = "ask for COUNT_ESTIMATED, or filter by a field with an index";
        counts_all.then_some(Scan { what: "an exact count of all records", advice: None, instead })
    }

    /// Returns an error if the query would scan a whole large table.
    pub(crate) async fn admit(&self) -> Result<(), Error> {
        match self.scan() {
            Some(scan) if !self.allow_scan => scan::admit(self.call, scan).await,
            _ => Ok(()),
        }
    }

    /// Returns the selection of the records of all pages.
    pub(crate) fn selection(&self) -> Selection<'_> {
        Selection {
            model: &self.call.table.model,
            tenant: &self.call.principal.tenant,
            compiled: &self.compiled,
            parent: self.parent,
            now: self.now,
            with_deleted: self.with_deleted,
        }
    }

    /// Returns the part for the page. Its limit is one more than the page size, to detect whether there is a next page.
    pub(crate) fn part(&self) -> Result<Part<'_>, Error> {
        Ok(Part {
            after: self.after.as_deref(),
            ids_descend: self.ids_descend,
            limit: i64::try_from(self.size + 1).map_err(Error::internal)?,
            skip: self.skip,
            counted: self.count == Count::Exact,
        })
    }

    /// Returns the layout of the rows.
    pub(crate) fn layout(&self, counted: bool) -> Layout<'_> {
        let columns = self.columns.as_deref().unwrap_or(&self.call.table.columns);
        Layout::new(&self.call.table.model, &self.compiled, columns, counted)
    }

    /// Returns the statement that reads the rows.
    pub(crate) fn statement(&self, layout: &Layout<'_>, part: &Part<'_>) -> SqlBuilder {
        self.selection().page(layout, part)
    }

    /// Passes the rows of the page to `take` until `take` breaks.
    pub(super) async fn rows(
        &self,
        layout: &Layout<'_>,
        part: &Part<'_>,
        take: impl FnMut(PgRow) -> Result<ControlFlow<()>, Error> + Send,
    ) -> Result<(), Error> {
        if self.is_plain(part) {
            let statements = &self.call.table.statements;
            let (tenant, limit) = (Bind::text(&self.call.principal.tenant), Bind::i64(part.limit));
            let (sql, binds) = match part.after {
                Some([Some(id)]) => (&statements.list_next, vec![tenant, Bind::bytes(id.clone()), limit]),
                _ => (&statements.list_first, vec![tenant, limit]),
            };
            return rows_until(self.call, sql, &binds, take).await;
        }
        let builder = self.statement(layout, part);
        let sql = self.call.records.statement_cache().sql(builder.text());
        rows_until(self.call, &sql, builder.binds(), take).await
    }

    /// Returns whether this is the most common query, whole records in the order of their ids. The apply has built its
    /// statements.
    fn is_plain(&self, part: &Part<'_>) -> bool {
        self.compiled.is_everything()
            && !self.with_deleted
            && self.parent.is_none()
            && self.columns.is_none()
            && part.skip == 0
            && !part.counted
            && part.after.is_none_or(|values| matches!(values, [Some(_)]))
    }

    /// Returns the record of a row, or `None` if the row has only a count.
    pub(super) fn record(&self, layout: &Layout<'_>, row: &PgRow) -> Result<Option<Stored>, Error> {
        let Some(version) = row.i64(0).map_err(database_error)? else { return Ok(None) };
        let record = row::record(&self.call.table.model, layout.columns, row, 1)?;
        Ok(Some(self.call.show(record, version)))
    }

    /// Clears the fields that the mask hides.
    pub(super) fn show(&self, stored: &mut Stored) {
        let model = &self.call.table.model;
        self.mask.apply(&model.shapes, model.shape, &mut stored.record);
    }

    /// Returns the token of the page after the row with these keys.
    pub(super) fn token(&self, values: Vec<Option<Bytes>>) -> Result<String, Error> {
        let (tenant, model) = (&self.call.principal.tenant, &self.call.table.model);
        let origin = self.origin.get_or_init(|| self.compiled.origin(tenant, model, self.parent, self.with_deleted));
        let cursor = Cursor { now: self.now, ids_descend: self.ids_descend, values };
        self.call.records.page_tokens().seal(origin, &cursor, now()?)
    }
}

/// Returns the columns that are needed; `None` means all.
fn columns_of(table: &Table, mask: &ReadMask, paths: &Paths) -> Option<Vec<Column>> {
    let fields = mask.with_fields(&paths.needed()).fields()?;
    Some(table.columns.iter().filter(|column| fields.contains(&column.field)).cloned().collect())
}

/// Returns the page size that the caller requests. Returns an error if it is negative.
fn page_size_of(asked: i32) -> Result<usize, Error> {
    let size = match asked {
        0 => DEFAULT_PAGE_SIZE,
        _ => asked.min(MAX_PAGE_SIZE),
    };
    usize::try_from(size).map_err(|_| {
        Error::field("page_size", "int32.gte", format!("must be 0 (for {DEFAULT_PAGE_SIZE}) to {MAX_PAGE_SIZE}"))
    })
}

/// Returns the number of records that the caller skips. Returns an error if it is negative or more than [`MAX_SKIP`].
fn skip_of(asked: i32) -> Result<i64, Error> {
    if (0..=MAX_SKIP).contains(&asked) {
        return Ok(i64::from(asked));
    }
    let description = format!("must be 0 to {MAX_SKIP}; page tokens lead further than that");
    Err(Error::field("skip", "int32.lte", description))
}

#[cfg(test)]
mod tests {
    use super::{page_size_of, skip_of};

    #[test]
    fn page_sizes() {
        assert_eq!(page_size_of(0).unwrap(), 50);
        assert_eq!(page_size_of(1).unwrap(), 1);
        assert_eq!(page_size_of(1_000).unwrap(), 1_000);
        assert_eq!(page_size_of(i32::MAX).unwrap(), 1_000);
        assert!(page_size_of(-1).is_err());
        assert!(page_size_of(i32::MIN).is_err());
    }

    #[test]
    fn skips() {
        assert_eq!(skip_of(0).unwrap(), 0);
        assert_eq!(skip_of(100_000).unwrap(), 100_000);
        assert!(skip_of(100_001).is_err());
        assert!(skip_of(-1).is_err());
    }
}
