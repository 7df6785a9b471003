//! The deletion of locked records, with all that goes with them.

use super::cascade::CascadeSet;
use super::mode::DeleteMode;
use super::roots::Roots;
use super::{clear, restrict, write};
use crate::call::Call;
use crate::operations::write_session::Events;
use crate::tx_error::TxError;
use diesel_async::AsyncPgConnection;
use groundplan_codec::Record;

/// Finds and locks all that goes with records that are locked, sees whether it may, and lets it go. Those that stay, deleted
/// softly, are given with their new versions.
///
/// Each statement sees what was committed before it. Once a record is locked nobody can begin to refer to it, so those who
/// refer to it are known for good by the next statement.
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
