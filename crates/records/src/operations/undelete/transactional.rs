//! Undeletes of records of one model, in a transaction.

use super::undelete_locked::{Undeleted, undelete_locked};
use crate::operations::write_session::{self, Lock, Maker, Planned, Session, ids_of, within_first};
use crate::table::Table;
use crate::tx_error::TxError;
use diesel_async::AsyncPgConnection;
use groundplan_error::{Error, Reason};
use groundplan_query::visibility;
use std::sync::Arc;

/// Undeletes the records of `writes`, all of one model, with the records that were deleted with them.
pub(crate) async fn run<'a>(
    session: &mut Session<'a>,
    conn: &mut AsyncPgConnection,
    table: &Arc<Table>,
    (first, writes): (usize, &[Planned<'a>]),
) -> Result<(), TxError> {
    let call = session.call_of(table);
    let mut found = session.lock(conn, table, ids_of(writes), Lock::Delete).await?;
    for (write, at) in writes.iter().zip(first..) {
        let of_item = |error: Error| error.within(&write.place.item());
        let (record, version) = found.remove(&write.id).ok_or_else(|| of_item(call.not_found(&write.id)))?;
        write_session::check(&call, write, (&record, version), session.now).await?;
        if visibility::deleted_at(&table.model, &record).is_none() {
            let id = write.id.to_string();
            let message = format!("{} {id:?} is not deleted", table.model.full_name);
            let refused = Error::new(Reason::RecordNotDeleted, message).with_resource(&table.model.full_name, id);
            return Err(of_item(refused).into());
        }
        let back = undelete_locked(&call, conn, (&write.id, record, version), &mut session.events).await;
        let Undeleted { root: (record, version), others } =
            back.map_err(|stop| within_first(stop, std::slice::from_ref(write)))?;
        let maker = Maker { at, place: write.place, is_other: false };
        session.references.add_undeleted(&table.model, maker, &write.id);
        for (other, id) in &others {
            session.references.add_undeleted(&other.model, Maker { is_other: true, ..maker }, id);
        }
        session.answer(at, table, record, version);
    }
    Ok(())
}
