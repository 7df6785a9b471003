//! List: the records of a model in the order of their ids, page by page.

use super::{Call, Id};
use crate::{bind, row};
use groundplan_chassis::database::{Bind, PgRow, Sql, refusal, rows};
use groundplan_codec::{Stored, wire};
use groundplan_error::Error;
use groundplan_rest::Page;

/// The records of a page where the caller does not say.
const DEFAULT_PAGE_SIZE: i32 = 50;

/// The most records of a page; more is taken as this.
const MAX_PAGE_SIZE: i32 = 1_000;

/// The most bytes of a page's records on the wire. gRPC clients refuse messages of more than 4 MiB unless told otherwise;
/// what is left of those is for the page token. A record that is larger by itself is a page of its own.
const MAX_PAGE_BYTES: usize = (4 << 20) - (8 << 10);

/// The most bytes that stand before a record in its page: the field's number, and the record's length.
const FRAME_BYTES: usize = 6;

/// How many rows are read first, while nothing is known of their size: enough for a page of the default size.
const FIRST_ROWS: usize = 64;

/// Reads the page behind `page_token`; empty: the first.
pub(crate) async fn list(call: &Call<'_>, page_size: i32, page_token: &str) -> Result<Page, Error> {
    let size = page_size_of(page_size)?;
    let model = &call.table.model;
    let mut after = match page_token {
        "" => None,
        token => {
            let last = call.records.page_tokens().open(&call.principal.tenant, &model.full_name, token)?;
            Some(Id::of_stored(model, &last)?)
        }
    };
    let mut records: Vec<Stored> = Vec::new();
    let mut bytes = 0;
    loop {
        let limit = rows_to_read(size, records.len(), bytes);
        let found = read(call, after.as_ref(), limit).await?;
        for row in &found {
            let record = row::record(model, &call.table.columns, row, 1)?;
            let stored = call.show(record, row::version(row)?);
            let length = FRAME_BYTES + wire::encoded_len(&model.shapes, model.shape, &stored.record);
            if records.len() == size || (!records.is_empty() && bytes + length > MAX_PAGE_BYTES) {
                let next_page_token = token(call, records.last())?;
                return Ok(Page { records, next_page_token, ..Page::default() });
            }
            bytes += length;
            records.push(stored);
        }
        if found.len() < limit {
            return Ok(Page { records, ..Page::default() });
        }
        after = records.last().map(|stored| Id::of_record(model, &stored.record)).transpose()?;
    }
}

/// How many rows are read at once: as many as a page still has room for by the average of those that it has, so that a
/// page of large records does not fill the memory. One row more than is wanted says whether there is a next page.
fn rows_to_read(size: usize, records: usize, bytes: usize) -> usize {
    let wanted = size.saturating_sub(records) + 1;
    let fitting = match records {
        0 => FIRST_ROWS,
        _ => MAX_PAGE_BYTES.saturating_sub(bytes) / (bytes / records).max(1) + 1,
    };
    wanted.min(fitting)
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

/// The token of the page behind the one that ends with `last`.
fn token(call: &Call<'_>, last: Option<&Stored>) -> Result<String, Error> {
    let model = &call.table.model;
    let last = last.ok_or_else(|| Error::internal("a page without records has no next one"))?;
    let last = Id::of_record(model, &last.record)?.to_string();
    call.records.page_tokens().seal(&call.principal.tenant, &model.full_name, &last)
}

#[cfg(test)]
mod tests {
    use super::{FIRST_ROWS, MAX_PAGE_BYTES, page_size_of, rows_to_read};

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
    fn small_records_take_one_round_trip_or_two() {
        assert_eq!(rows_to_read(50, 0, 0), 51);
        assert_eq!(rows_to_read(1_000, 0, 0), FIRST_ROWS);
        assert_eq!(rows_to_read(1_000, FIRST_ROWS, FIRST_ROWS * 200), 1_001 - FIRST_ROWS);
        assert_eq!(rows_to_read(1_000, FIRST_ROWS, 0), 1_001 - FIRST_ROWS);
    }

    #[test]
    fn large_records_are_read_a_few_at_once() {
        let large = 40 << 10;
        let rows = rows_to_read(1_000, FIRST_ROWS, FIRST_ROWS * large);
        assert!(rows > 1 && rows * large <= MAX_PAGE_BYTES, "{rows}");
        assert_eq!(rows_to_read(1_000, 1, MAX_PAGE_BYTES * 2), 1);
    }
}
