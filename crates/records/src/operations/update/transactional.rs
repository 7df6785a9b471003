//! Updates of several records in one transaction.

use super::merge::merged;
use crate::call::Call;
use crate::operations::conflict::busy;
use crate::operations::create::{self, ReadyRecord, guarded};
use crate::operations::deleted::check_living;
use crate::operations::write_session::{self, Action, Change, Lock, Maker, Planned, Session, WritePath, parts};
use crate::table::Table;
use crate::tx_error::TxError;
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::Bind;
use groundplan_codec::Record;
use groundplan_error::{Error, ErrorCollector};
use groundplan_query::bind;
use groundplan_query::id::Id;
use std::sync::Arc;

/// An updated record that is ready to be written.
struct Changed<'a> {
    at: usize,
    place: WritePath<'a>,
    id: Id,
    before: Record,
    after: Record,
    /// The new version.
    version: i64,
}

/// The most attempts to update or create missing records. Others can create and delete them in the meantime.
const ROUNDS: u32 = 8;

/// Updates the records of `writes`, all of one model. Creates missing records where that is allowed. Updates a record that
/// another transaction creates first.
pub(crate) async fn run<'a>(
    session: &mut Session<'a>,
    conn: &mut AsyncPgConnection,
    table: &Arc<Table>,
    (first, writes): (usize, &[Planned<'a>]),
) -> Result<(), TxError> {
    let mut open: Vec<(usize, &Planned<'a>)> = (first..).zip(writes).collect();
    for _ in 0..ROUNDS {
        let missing = update(session, conn, table, &open).await?;
        if missing.is_empty() {
            return Ok(());
        }
        let taken = create::insert(session, conn, table, missing).await?;
        if taken.is_empty() {
            return Ok(());
        }
        open.retain(|(at, _)| taken.iter().any(|one| one.at == *at));
    }
    Err(busy(ROUNDS).into())
}

/// Updates the records that exist, and returns those to create.
async fn update<'a>(
    session: &mut Session<'a>,
    conn: &mut AsyncPgConnection,
    table: &Arc<Table>,
    writes: &[(usize, &Planned<'a>)],
) -> Result<Vec<ReadyRecord<'a>>, TxError> {
    let call = session.call_of(table);
    let mut found = session.lock(conn, table, writes.iter().map(|(_, write)| &write.id), Lock::Update).await?;
    let (mut changed, mut missing, mut errors) = (Vec::new(), Vec::new(), ErrorCollector::default());
    for (at, write) in writes.iter().copied() {
        let Action::Update(change) = &write.action else { continue };
        match (found.remove(&write.id), &change.missing) {
            (Some((before, version)), _) => {
                let after = updated(&call, write, change, (&before, version), session.now).await;
                match errors.keep(after) {
                    Some(Some(after)) => {
                        let (place, id) = (write.place, write.id.clone());
                        changed.push(Changed { at, place, id, before, after, version: version + 1 });
                    }
                    // Nothing changes: the response has the record as it is.
                    Some(None) => {
                        session.check_answers(table, std::iter::once(&before))?;
                        session.answer(at, table, before, version);
                    }
                    None => {}
                }
            }
            (None, Some(record)) if write.wanted.is_none() && write.condition.is_none() => {
                missing.extend(errors.keep(ReadyRecord::new(&call, write, at, record, session.now).await));
            }
            (None, _) => {
                errors.keep::<()>(Err(call.not_found(&write.id).within(&write.place.item())));
            }
        }
        if errors.is_full() {
            break;
        }
    }
    errors.finish()?;
    session.check_answers(table, changed.iter().map(|one| &one.after))?;
    store(session, &call, conn, changed).await?;
    Ok(missing)
}

/// Returns the updated record, or `None` if nothing changes.
async fn updated(
    call: &Call<'_>,
    write: &Planned<'_>,
    change: &Change,
    (before, version): (&Record, i64),
    now: i64,
) -> Result<Option<Record>, Error> {
    let model = &call.table.model;
    check_living(model, &write.id, before).map_err(|error| error.within(&write.place.item()))?;
    write_session::check(call, write, (before, version), now).await?;
    let after = merged(call, before, (&change.update, &change.mask, &change.transforms), now).await;
    after.map_err(|error| error.within(&write.place.record()))
}

async fn store<'a>(
    session: &mut Session<'a>,
    call: &Call<'_>,
    conn: &mut AsyncPgConnection,
    changed: Vec<Changed<'a>>,
) -> Result<(), TxError> {
    let table = &call.table;
    let model = &table.model;
    for part in parts(&changed, table.columns.len() + 2) {
        let mut binds = Vec::with_capacity(part.len() * (table.columns.len() + 2));
        for one in part {
            binds.extend([Bind::i64(one.version), bind::bind_id(&one.id)]);
            for column in table.updatable_columns() {
                binds.push(bind::bind(model, column, &one.after)?);
            }
        }
        binds.push(Bind::text(&call.principal.tenant));
        let sql = write_session::update(table, part.len());
        let first = part.first().map(|one| (one.place, &one.after));
        guarded(session.is_careful, call, conn, first, (&sql, &binds)).await?;
    }
    for one in changed {
        let maker = Maker { at: one.at, place: one.place, is_other: false };
        session.references.add(model, maker, (Some(&one.before), &one.after), &one.id);
        session.events.parked.replaced(model, &one.id);
        session.events.updated(model, &one.before, &one.after, one.version);
        session.answer(one.at, table, one.after, one.version);
    }
    Ok(())
}
