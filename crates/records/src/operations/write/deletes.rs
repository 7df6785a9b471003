//! Deletions, undeletions and verifications, several at once.

use super::condition;
use super::planned::{Action, Planned};
use super::references::Maker;
use super::session::{Lock, Session};
use crate::id::Id;
use crate::living;
use crate::operations::delete::{Manner, Roots, Undeleted, delete_locked, undelete_locked};
use crate::operations::deleted;
use crate::stop::Stop;
use crate::table::Table;
use diesel_async::AsyncPgConnection;
use groundplan_error::{Error, Reason};
use std::collections::HashMap;
use std::sync::Arc;

/// Deletes the records of writes, all of one model.
pub(super) async fn delete(
    session: &mut Session<'_>,
    conn: &mut AsyncPgConnection,
    table: &Arc<Table>,
    (first, writes): (usize, &[Planned<'_>]),
) -> Result<(), Stop> {
    let call = session.call_of(table);
    let found = session.lock(conn, table, ids_of(writes), Lock::Delete).await?;
    let (mut ids, mut places) = (Vec::new(), HashMap::new());
    for (write, at) in writes.iter().zip(first..) {
        let Action::Delete { allow_missing } = write.action else { continue };
        let there = found.get(&write.id);
        if let Some((record, version)) = there.filter(|(record, _)| living::deletion(&table.model, record).is_none()) {
            condition::check(&call, write, (record, *version), session.now).await?;
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
    let manner = Manner::of_model(&table.model);
    let deleted = delete_locked(&call, conn, roots, manner, &mut session.events).await;
    let deleted = deleted.map_err(|stop| placed(stop, writes))?;
    for (record, version) in deleted {
        if let Some(at) = places.get(&Id::of_record(&table.model, &record)?) {
            session.answer(*at, table, record, version);
        }
    }
    Ok(())
}

fn ids_of<'p>(writes: &'p [Planned<'_>]) -> impl Iterator<Item = &'p Id> {
    writes.iter().map(|write| &write.id)
}

/// A refusal of what goes with the records of several writes is about the first of them.
fn placed(stop: Stop, writes: &[Planned<'_>]) -> Stop {
    match (stop, writes.first()) {
        (Stop::Refused(error), Some(write)) => Stop::Refused(error.within(&write.place.item())),
        (stop, _) => stop,
    }
}

/// Brings the records of writes back, all of one model, with those that were deleted with them.
pub(super) async fn undelete<'a>(
    session: &mut Session<'a>,
    conn: &mut AsyncPgConnection,
    table: &Arc<Table>,
    (first, writes): (usize, &[Planned<'a>]),
) -> Result<(), Stop> {
    let call = session.call_of(table);
    let mut found = session.lock(conn, table, ids_of(writes), Lock::Delete).await?;
    for (write, at) in writes.iter().zip(first..) {
        let of_item = |error: Error| error.within(&write.place.item());
        let (record, version) = found.remove(&write.id).ok_or_else(|| of_item(call.not_found(&write.id)))?;
        condition::check(&call, write, (&record, version), session.now).await?;
        if living::deletion(&table.model, &record).is_none() {
            let id = write.id.to_string();
            let message = format!("{} {id:?} is not deleted", table.model.full_name);
            let refused = Error::new(Reason::RecordNotDeleted, message).about(&table.model.full_name, id);
            return Err(of_item(refused).into());
        }
        let back = undelete_locked(&call, conn, (&write.id, record, version), &mut session.events).await;
        let Undeleted { root: (record, version), others } =
            back.map_err(|stop| placed(stop, std::slice::from_ref(write)))?;
        let maker = Maker { at, place: write.place, is_other: false };
        session.references.add_undeleted(&table.model, maker, &write.id);
        for (other, id) in &others {
            session.references.add_undeleted(&other.model, Maker { is_other: true, ..maker }, id);
        }
        session.answer(at, table, record, version);
    }
    Ok(())
}

/// Holds records against what writes expect of them, and keeps them so.
pub(super) async fn verify(
    session: &mut Session<'_>,
    conn: &mut AsyncPgConnection,
    table: &Arc<Table>,
    writes: &[Planned<'_>],
) -> Result<(), Stop> {
    let call = session.call_of(table);
    let found = session.lock(conn, table, ids_of(writes), Lock::Share).await?;
    for write in writes {
        let Action::Verify { is_missing } = write.action else { continue };
        let there = found.get(&write.id);
        match (there.filter(|(record, _)| living::deletion(&table.model, record).is_none()), is_missing) {
            (None, true) => {}
            (Some((record, version)), false) => {
                condition::check(&call, write, (record, *version), session.now).await?;
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
                let refused = Error::new(Reason::ConditionNotMet, message).about(&table.model.full_name, id);
                return Err(refused.within(&write.place.item()).into());
            }
        }
    }
    Ok(())
}
