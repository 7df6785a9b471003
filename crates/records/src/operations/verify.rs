//! Verifications: the state that a commit expects of records that it does not change.

use super::deleted;
use super::write_session::{self, Action, Lock, Planned, Session, ids_of};
use crate::table::Table;
use crate::tx_error::TxError;
use diesel_async::AsyncPgConnection;
use groundplan_error::{Error, Reason};
use groundplan_query::visibility;
use std::sync::Arc;

/// Checks that records are as the writes expect, and locks them so that they remain so.
pub(crate) async fn run(
    session: &mut Session<'_>,
    conn: &mut AsyncPgConnection,
    table: &Arc<Table>,
    writes: &[Planned<'_>],
) -> Result<(), TxError> {
    let call = session.call_of(table);
    let found = session.lock(conn, table, ids_of(writes), Lock::Share).await?;
    for write in writes {
        let Action::Verify { is_missing } = write.action else { continue };
        let there = found.get(&write.id);
        match (there.filter(|(record, _)| visibility::deleted_at(&table.model, record).is_none()), is_missing) {
            (None, true) => {}
            (Some((record, version)), false) => {
                write_session::check(&call, write, (record, *version), session.now).await?;
            }
            (None, false) => {
                let refused = match there {
                    Some(_) => deleted::refused(&table.model, &write.id),
                    None => call.not_found(&write.id),
                };
                return Err(refused.within(&write.place.item()).into());
            }
            (Some(_), true) => {
                let id = write.id.to_string();
                let message = format!("{} {id:?} exists, but verify requires it to be missing", table.model.full_name);
                let refused = Error::new(Reason::ConditionNotMet, message).with_resource(&table.model.full_name, id);
                return Err(refused.within(&write.place.item()).into());
            }
        }
    }
    Ok(())
}
