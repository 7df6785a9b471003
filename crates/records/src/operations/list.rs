//! List: the records of a model in the order of their ids, page by page.

use super::{Call, Id};
use crate::{bind, row};
use groundplan_chassis::database::{Bind, PgRow, Sql, refusal, rows};
use groundplan_codec::{Stored, Value, wire};
use groundplan_error::Error;
use groundplan_rest::Page;

/// The records of a page where the caller does not say.
const DEFAULT_PAGE_SIZE: i32 = 50;

/// The most records of a page; more is taken as this.
const MAX_PAGE_SIZE: i32 = 1_000;

/// A page ends early, before its size is reached, once its records have this many bytes on the wire: gRPC clients refuse
/// messages of more than 4 MiB unless told otherwise.
const MAX_PAGE_BYTES: usize = 3 << 20;

/// How many rows are read at once, so that a page of large records does not fill the memory.
const ROWS_AT_ONCE: usize = 100;

/// Reads the page behind `page_token`; empty: the first.
pub(crate) async fn list(call: &Call<'_>, page_size: i32, page_token: &str) -> Result<Page, Error> {
    let size = page_size_of(page_size)?;
    let model = &call.table.model;
    let mut after = match page_token {
        "" => None,
        token => {
            let last = call.records.page_tokens().open(&call.principal.tenant, &model.full_name, token)?;
            Some(Id::parse(model, &last)?)
        }
    };
    let mut page = Vec::new();
    let mut bytes = 0;
    loop {
        // One row more than is wanted says whether there is a next page.
        let limit = (size + 1 - page.len()).min(ROWS_AT_ONCE);
        let found = read(call, after.as_ref(), limit).await?;
        for row in &found {
            if page.len() == size || bytes >= MAX_PAGE_BYTES {
                let next_page_token = token(call, &page)?;
                return Ok(Page { records: page, next_page_token });
            }
            let record = row::record(model, &call.table.columns, row, 1)?;
            bytes += wire::encoded_len(&model.shapes, model.shape, &record);
            page.push(call.show(record, row::version(row)?));
        }
        if found.len() < limit {
            return Ok(Page { records: page, next_page_token: String::new() });
        }
        after = Some(Id::parse(model, last_id(call, &page)?)?);
    }
}

/// Reads up to `limit` rows behind an id.
async fn read(call: &Call<'_>, after: Option<&Id>, limit: usize) -> Result<Vec<PgRow>, Error> {
    let statements = &call.table.statements;
    let limit = Bind::i64(i64::try_from(limit).map_err(Error::internal)?);
    let tenant = Bind::text(&call.principal.tenant);
    let (sql, binds): (&Sql, Vec<Bind>) = match after {
        None => (&statements.list_first, vec![tenant, limit]),
        Some(id) => (&statements.list_next, vec![tenant, bind::bind_id(id), limit]),
    };
    let mut lease = call.records.database().lease().await?;
    lease.run(async |conn| rows(conn, sql, &binds).await).await.map_err(refusal)
}

/// How many records the caller wants.
fn page_size_of(asked: i32) -> Result<usize, Error> {
    let size = match asked {
        0 => DEFAULT_PAGE_SIZE,
        _ => asked.min(MAX_PAGE_SIZE),
    };
    usize::try_from(size).map_err(|_| {
        Error::field("page_size", "int32.gte", format!("must be 0 (for {DEFAULT_PAGE_SIZE}) to {MAX_PAGE_SIZE}"))
    })
}

/// The token of the page behind this one.
fn token(call: &Call<'_>, page: &[Stored]) -> Result<String, Error> {
    call.records.page_tokens().seal(&call.principal.tenant, &call.table.model.full_name, last_id(call, page)?)
}

/// The id of the last record of a page.
fn last_id<'a>(call: &Call<'_>, page: &'a [Stored]) -> Result<&'a str, Error> {
    match page.last().and_then(|stored| stored.record.get(call.table.model.roles.id)) {
        Some(Value::String(id)) => Ok(id),
        _ => Err(Error::internal("a stored record has no id")),
    }
}

#[cfg(test)]
mod tests {
    use super::page_size_of;

    #[test]
    fn page_sizes() {
        assert_eq!(page_size_of(0).unwrap(), 50);
        assert_eq!(page_size_of(1).unwrap(), 1);
        assert_eq!(page_size_of(1_000).unwrap(), 1_000);
        assert_eq!(page_size_of(i32::MAX).unwrap(), 1_000);
        assert!(page_size_of(-1).is_err());
        assert!(page_size_of(i32::MIN).is_err());
    }
}
