//! Changes of records, several at once.

use super::creates::{self, Ready, check_references, guarded};
use super::place::Place;
use super::planned::{Action, Change, Planned};
use super::session::{Lock, Session};
use super::{condition, statements};
use crate::bind;
use crate::operations::update::{check_living, merge};
use crate::operations::{Call, Id};
use crate::stop::Stop;
use crate::table::Table;
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::Bind;
use groundplan_codec::Record;
use groundplan_error::{Error, Refusals};
use std::sync::Arc;

/// A record that is ready to be written anew.
struct Changed<'a> {
    at: usize,
    place: Place<'a>,
    id: Id,
    before: Record,
    after: Record,
    /// The new one.
    version: i64,
}

/// Updates the records of writes, all of one model. Those that are missing are created, where that is allowed.
pub(super) async fn run(
    session: &mut Session<'_>,
    conn: &mut AsyncPgConnection,
    table: &Arc<Table>,
    (first, writes): (usize, &[Planned<'_>]),
) -> Result<(), Stop> {
    let call = session.call_of(table);
    let mut found = session.lock(conn, table, writes, Lock::Update).await?;
    let (mut changed, mut missing, mut refusals) = (Vec::new(), Vec::new(), Refusals::default());
    for (write, at) in writes.iter().zip(first..) {
        let Action::Update(change) = &write.action else { continue };
        match (found.remove(&write.id), &change.missing) {
            (Some((before, version)), _) => {
                let after = updated(&call, write, change, (&before, version), session.now);
                let Some(after) = refusals.keep(after) else { continue };
                let (place, id) = (write.place, write.id.clone());
                changed.push(Changed { at, place, id, before, after, version: version + 1 });
            }
            (None, Some(record)) if write.wanted.is_none() && write.condition.is_none() => {
                missing.extend(refusals.keep(Ready::new(&call, write, at, record, session.now)));
            }
            (None, _) => {
                refusals.keep::<()>(Err(call.not_found(&write.id).within(&write.place.item())));
            }
        }
        if refusals.is_over() {
            break;
        }
    }
    refusals.finish()?;
    store(session, &call, conn, changed).await?;
    if missing.is_empty() { Ok(()) } else { creates::insert(session, conn, table, missing).await }
}

/// A record as it is to be.
fn updated(
    call: &Call<'_>,
    write: &Planned<'_>,
    change: &Change,
    (before, version): (&Record, i64),
    now: i64,
) -> Result<Record, Error> {
    let model = &call.table.model;
    check_living(model, &write.id, before).map_err(|error| error.within(&write.place.item()))?;
    condition::check(call, write, (before, version), now)?;
    let after = merge(call, before, change.update.clone(), &change.mask, &change.transforms, now);
    after.map_err(|error| error.within(&write.place.record()))
}

async fn store(
    session: &mut Session<'_>,
    call: &Call<'_>,
    conn: &mut AsyncPgConnection,
    changed: Vec<Changed<'_>>,
) -> Result<(), Stop> {
    let table = &call.table;
    let model = &table.model;
    let refers_anew = |one: &&Changed<'_>| {
        model.references.iter().any(|reference| one.before.get(reference.field) != one.after.get(reference.field))
    };
    let anew: Vec<_> = changed.iter().filter(refers_anew).map(|one| (one.place, &one.after)).collect();
    check_references(call, conn, &anew).await?;
    for part in statements::parts(&changed, table.columns.len() + 2) {
        let mut binds = Vec::with_capacity(part.len() * (table.columns.len() + 2));
        for one in part {
            binds.extend([Bind::i64(one.version), bind::bind_id(&one.id)]);
            for column in table.changing() {
                binds.push(bind::bind(model, column, &one.after)?);
            }
        }
        binds.push(Bind::text(&call.principal.tenant));
        let sql = statements::update(table, part.len());
        let first = part.first().map(|one| (one.place, &one.after));
        guarded(session.is_careful, call, conn, first, (&sql, &binds)).await?;
    }
    for one in changed {
        session.events.updated(model, &one.before, &one.after, one.version);
        session.answer(one.at, table, one.after, one.version);
    }
    Ok(())
}
