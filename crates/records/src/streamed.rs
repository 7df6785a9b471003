//! Reads rows one at a time, and stops when a response has no more capacity.

use crate::call::Call;
use diesel::QueryResult;
use diesel::result::Error as DieselError;
use futures_util::TryStreamExt as _;
use futures_util::future::{AbortHandle, Abortable, pending};
use groundplan_chassis::database::{Bind, PgRow, Sql, database_error, record_statement, row_stream};
use groundplan_error::Error;
use std::ops::ControlFlow;
use std::time::Instant;

/// The maximum size of a response's records on the wire, in bytes. By default, gRPC clients reject messages of more than 4 MiB;
/// the rest is for page tokens.
pub(crate) const MAX_ANSWER_BYTES: usize = (4 << 20) - (8 << 10);

/// The maximum size of the bytes before a record in its response: the field's number and the record's length.
pub(crate) const FRAME_BYTES: usize = 6;

/// Passes the rows of a query to `take` as they arrive. If `take` fails, the query is cancelled.
pub(super) async fn each_row(
    call: &Call<'_>,
    sql: &Sql,
    binds: &[Bind],
    mut take: impl FnMut(&PgRow) -> Result<(), Error> + Send,
) -> Result<(), Error> {
    rows_until(call, sql, binds, |row| take(&row).map(ControlFlow::Continue)).await
}

/// Passes the rows of a query to `take` as they arrive. If `take` breaks or fails, the query is cancelled.
pub(crate) async fn rows_until(
    call: &Call<'_>,
    sql: &Sql,
    binds: &[Bind],
    take: impl FnMut(PgRow) -> Result<ControlFlow<()>, Error> + Send,
) -> Result<(), Error> {
    rows_until_or(call, sql, binds, take, database_error).await
}

/// Like [`rows_until`], with a function that converts errors of the statement.
pub(super) async fn rows_until_or(
    call: &Call<'_>,
    sql: &Sql,
    binds: &[Bind],
    mut take: impl FnMut(PgRow) -> Result<ControlFlow<()>, Error> + Send,
    failed: fn(DieselError) -> Error,
) -> Result<(), Error> {
    let (cancel, registration) = AbortHandle::new_pair();
    let mut ended = None;
    let mut lease = call.records.database().lease().await?;
    let reading = lease.run(async |conn| {
        let began = Instant::now();
        let mut rows = row_stream(conn, sql, binds).await?;
        while let Some(row) = rows.try_next().await? {
            let end = match take(row) {
                Ok(ControlFlow::Continue(())) => continue,
                Ok(ControlFlow::Break(())) => Ok(()),
                Err(error) => Err(error),
            };
            ended = Some(end);
            // Dropping an unfinished run cancels its statement, so that the remaining rows are never sent.
            cancel.abort();
            pending::<()>().await;
        }
        drop(rows);
        record_statement(conn, sql, binds, began).await;
        QueryResult::Ok(())
    });
    let read = Abortable::new(reading, registration).await;
    match (ended, read) {
        (Some(end), _) => end,
        (None, Ok(read)) => read.map_err(failed),
        (None, Err(aborted)) => Err(Error::internal(aborted)),
    }
}
