//! Deletes locked records together with their cascade.

use super::cascade::CascadeSet;
use super::mode::DeleteMode;
use super::roots::Roots;
use super::{clear, restrict, write};
use crate::call::Call;
use crate::operations::write_session::Events;
use crate::tx_error::TxError;
use diesel_async::AsyncPgConnection;
use groundplan_codec::Record;

/// Finds and locks the cascade of locked records, checks that no other record prevents the delete, and deletes all of them.
/// In soft mode, returns the deleted records of the roots' model with their new versions.
///
/// Each statement sees everything that was committed before it. After a record is locked, no transaction can add a
/// reference to it, so the next statement finds all records that refer to it.
pub(crate) async fn delete_locked(
    call: &Call<'_>,
    conn: &mut AsyncPgConnection,
    roots: Roots<'_>,
    mode: DeleteMode,
    log: &mut Events<'_>,
) -> Result<Vec<(Record, i64)>, TxError> {
    let cascade = CascadeSet::find(call, conn, roots, mode).await?;
    restrict::check(call, conn, roots, mode, &cascade).await?;
    match mode {
        DeleteMode::Soft => write::softly(call, conn, roots, &cascade, log).await,
        DeleteMode::ForGood | DeleteMode::Purge => {
            clear::clear(call, conn, roots, &cascade, log).await?;
            write::for_good(call, conn, roots, &cascade, log).await?;
            Ok(Vec::new())
        }
    }
}
