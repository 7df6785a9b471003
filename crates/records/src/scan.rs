//! The limit of queries that read a whole table.

use crate::call::Call;
use groundplan_chassis::database::{Bind, Columns, Sql, database_error, rows};
use groundplan_error::{Error, Limit, Reason, Unit};
use groundplan_model::catalog::Model;
use groundplan_query::{Compiled, advice};
use std::sync::LazyLock;

static SIZE: LazyLock<Sql> = LazyLock::new(|| Sql::new("SELECT pg_table_size(?::text::regclass)"));

/// The error data of a query that no index serves.
pub(crate) struct Scan {
    /// The part of the query that reads all records, such as `this filter`.
    pub(crate) what: &'static str,
    /// The line for the model's option that adds an index.
    pub(crate) advice: Option<String>,
    /// Another way to change the query.
    pub(crate) instead: &'static str,
}

/// Explains why no index can serve a filter.
const TOO_SHORT: &str = "this filter (an index finds a part of a text by three letters or digits in a row, a pattern by three \
    that it requires, a start or an end by two, and a search by a word that is wanted in each branch)";

impl Scan {
    /// Returns the error data of a query that no index serves.
    pub(crate) fn of_query(model: &Model, compiled: &Compiled) -> Self {
        let advice = advice::advice(model, compiled);
        let (what, instead) = match compiled.filter {
            Some(_) if advice.is_none() && advice::is_too_short(compiled) => {
                (TOO_SHORT, "ask for more of the text, add a condition on a field with an index")
            }
            Some(_) => ("this filter", "add a condition on a field with an index"),
            None => ("this order", "order by the id or by all fields of an index"),
        };
        Self { what, advice, instead }
    }
}

/// Checks that a table is small enough for a scan.
///
/// # Errors
/// `INDEX_REQUIRED` with the index to add.
pub(crate) async fn admit(call: &Call<'_>, scan: Scan) -> Result<(), Error> {
    let limit = i64::try_from(call.records.settings().scan_limit_bytes).unwrap_or(i64::MAX);
    let size = size(call).await?;
    if size <= limit { Ok(()) } else { Err(refused(call, scan, size, limit)) }
}

async fn size(call: &Call<'_>) -> Result<i64, Error> {
    let table = &call.table.model.table;
    if let Some(size) = call.records.sizes().get(table) {
        return Ok(size);
    }
    let name = [Bind::text(&table.qualified())];
    let mut lease = call.records.database().lease().await?;
    let found = lease.run(async |conn| rows(conn, &SIZE, &name).await).await.map_err(database_error)?;
    let size = found.first().map(|row| row.i64(0)).transpose().map_err(database_error)?.flatten().unwrap_or_default();
    call.records.sizes().set(table, size);
    Ok(size)
}

fn refused(call: &Call<'_>, scan: Scan, size: i64, limit: i64) -> Error {
    let Scan { what, advice, instead } = scan;
    let declare = match &advice {
        Some(line) => format!("declare `{line}` in the model's option, "),
        None => String::new(),
    };
    let message = format!(
        "no index serves {what}, and the table of {} has {} where {} can be read in full; {declare}{instead}, or set \
         allow_scan",
        call.table.model.name,
        bytes(size),
        bytes(limit),
    );
    let refused = Error::new(Reason::IndexRequired, message);
    match advice {
        Some(line) => refused.with("index", line),
        None => refused,
    }
}

/// Formats a size for people.
fn bytes(size: i64) -> String {
    let size = u64::try_from(size).unwrap_or_default();
    let rounded = if size < 1 << 20 { size } else { size >> 20 << 20 };
    Limit { what: "", most: rounded, unit: Unit::Bytes, note: "" }.text()
}
