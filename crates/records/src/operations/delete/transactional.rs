//! Deletes of several records in one transaction.

use super::{DeleteMode, Roots, delete_locked};
use crate::operations::deleted;
use crate::operations::write_session::{self, Action, Lock, Planned, Session, ids_of, within_first};
use crate::table::Table;
use crate::tx_error::TxError;
use diesel_async::AsyncPgConnection;
use groundplan_query::id::Id;
use groundplan_query::visibility;
use std::collections::HashMap;
use std::sync::Arc;

/// Deletes the records of `writes`, all of one model.
pub(crate) async fn run(
    session: &mut Session<'_>,
    conn: &mut AsyncPgConnection,
    table: &Arc<Table>,
    (first, writes): (usize, &[Planned<'_>]),
) -> Result<(), TxError> {
    let call = session.call_of(table);
    let found = session.lock(conn, table, ids_of(writes), Lock::Delete).await?;
    let (mut ids, mut places) = (Vec::new(), HashMap::new());
    for (write, at) in writes.iter().zip(first..) {
        let Action::Delete { allow_missing } = write.action else { continue };
        let there = found.get(&write.id);
        if let Some((record, version)) =
            there.filter(|(record, _)| visibility::deleted_at(&table.model, record).is_none())
        {
            write_session::check(&call, write, (record, *version), session.now).await?;
            ids.push(write.id.clone());
            places.insert(write.id.clone(), at);
        } else if !allow_missing {
            let refused = match there {
                Some(_) => deleted::refused_again(&table.model, &write.id),
                None => call.not_found(&write.id),
            };
            return Err(refused.within(&write.place.item()).into());
        } else if let Some((record, version)) = there {
            session.answer(at, table, record.clone(), *version);
        }
    }
    if ids.is_empty() {
        return Ok(());
    }
    if table.model.soft_delete.is_some() {
        session.check_answers(
            table,
            found.iter().filter(|(id, _)| places.contains_key(*id)).map(|(_, (record, _))| record),
        )?;
    }
    let roots = Roots { model: &table.model, ids: &ids };
    let mode = DeleteMode::of_model(&table.model);
    let deleted = delete_locked(&call, conn, roots, mode, &mut session.events).await;
    let deleted = deleted.map_err(|stop| within_first(stop, writes))?;
    for (record, version) in deleted {
        if let Some(at) = places.get(&Id::of_record(&table.model, &record)?) {
            session.answer(*at, table, record, version);
        }
    }
    Ok(())
}
