//! New records, several at once.

use super::place::Place;
use super::planned::{Action, Planned};
use super::session::{Session, lock_living};
use super::statements;
use crate::operations::conflict::is_deadlock;
use crate::operations::create::{Origin, complete};
use crate::operations::reference::{self, Failure};
use crate::operations::{Call, Id, deleted, names};
use crate::stop::Stop;
use crate::table::Table;
use crate::{bind, living};
use diesel_async::{AsyncConnection as _, AsyncPgConnection};
use groundplan_chassis::database::{Bind, PgRow, Sql, rows};
use groundplan_codec::{Record, Value};
use groundplan_error::{Error, Refusals};
use std::collections::HashSet;
use std::sync::Arc;

/// A record that is ready to be written.
pub(super) struct Ready<'a> {
    pub(super) at: usize,
    pub(super) place: Place<'a>,
    pub(super) id: Id,
    pub(super) record: Record,
}

impl<'a> Ready<'a> {
    /// Fills in and checks what a write creates.
    pub(super) fn new(
        call: &Call<'_>,
        write: &Planned<'a>,
        at: usize,
        record: &Record,
        now: i64,
    ) -> Result<Self, Error> {
        let (place, id) = (write.place, write.id.clone());
        let record = complete(call, record.clone(), &id, Origin::Caller, now);
        let record = record.map_err(|error| error.within(&place.record()))?;
        Ok(Self { at, place, id, record })
    }
}

/// Creates the records of writes, all of one model.
pub(super) async fn run(
    session: &mut Session<'_>,
    conn: &mut AsyncPgConnection,
    table: &Arc<Table>,
    (first, writes): (usize, &[Planned<'_>]),
) -> Result<(), Stop> {
    let call = session.call_of(table);
    let ready = writes.iter().zip(first..).filter_map(|(write, at)| match &write.action {
        Action::Create(record) => Some(Ready::new(&call, write, at, record, session.now)),
        _ => None,
    });
    let ready = Refusals::collect(ready)?;
    insert(session, conn, table, ready).await
}

/// Inserts records that are complete.
pub(super) async fn insert(
    session: &mut Session<'_>,
    conn: &mut AsyncPgConnection,
    table: &Arc<Table>,
    ready: Vec<Ready<'_>>,
) -> Result<(), Stop> {
    let call = session.call_of(table);
    check_references(&call, conn, &ready.iter().map(|one| (one.place, &one.record)).collect::<Vec<_>>()).await?;
    make_room(session, &call, conn, &ready).await?;
    let now = session.now;
    for part in statements::parts(&ready, table.columns.len() + 2) {
        let mut binds = Vec::with_capacity(part.len() * (table.columns.len() + 2));
        for Ready { record, .. } in part {
            binds.extend([Bind::text(&call.principal.tenant), Bind::i64(now)]);
            for column in &table.columns {
                binds.push(bind::bind(&table.model, column, record)?);
            }
        }
        let sql = statements::insert(table, part.len());
        let first = part.first().map(|one| (one.place, &one.record));
        let found = guarded(session.is_careful, &call, conn, first, (&sql, &binds)).await?;
        let inserted: HashSet<Id> = names::read_ids(&table.model, &found)?.into_iter().collect();
        if let Some(taken) = part.iter().find(|one| !inserted.contains(&one.id)) {
            return Err(deleted::exists_on(&call, conn, &taken.id).await?.within(&taken.place.item()).into());
        }
    }
    for Ready { at, record, .. } in ready {
        session.events.created(&table.model, &record, now);
        session.answer(at, table, record, now);
    }
    Ok(())
}

/// Runs a statement that writes records and gives rows. In a careful attempt it writes only one, and what it breaks is found
/// out and named.
pub(super) async fn guarded(
    is_careful: bool,
    call: &Call<'_>,
    conn: &mut AsyncPgConnection,
    first: Option<(Place<'_>, &Record)>,
    (sql, binds): (&Sql, &[Bind]),
) -> Result<Vec<PgRow>, Stop> {
    let Some((place, record)) = first.filter(|_| is_careful) else { return Ok(rows(conn, sql, binds).await?) };
    let savepoint = conn.transaction(async |conn: &mut AsyncPgConnection| rows(conn, sql, binds).await).await;
    match savepoint {
        Ok(found) => Ok(found),
        Err(error) if is_deadlock(&error) => Err(error.into()),
        Err(error) => match reference::of_write_on(call, conn, record, error).await {
            Failure::Overtaken(error) | Failure::Refused(error) => Err(error.within(&place.record()).into()),
        },
    }
}

/// Refuses records that refer to what is deleted or has ended: a foreign key knows nothing of that.
pub(super) async fn check_references(
    call: &Call<'_>,
    conn: &mut AsyncPgConnection,
    records: &[(Place<'_>, &Record)],
) -> Result<(), Stop> {
    let model = &call.table.model;
    for reference in &model.references {
        let target = call.related(&reference.target)?.clone();
        if !living::may_be_gone(&target.model) {
            continue;
        }
        let mut wanted = Vec::new();
        for (place, record) in records {
            if let Some(id) = reference::id_of(&target.model, record, reference)? {
                // A record that refers to itself is there as soon as it is stored.
                let is_itself = reference.target == model.full_name
                    && record.get(model.roles.id) == Some(&Value::String(id.to_string()));
                wanted.extend((!is_itself).then_some((place, id)));
            }
        }
        if wanted.is_empty() {
            continue;
        }
        let ids: Vec<Id> = wanted.iter().map(|(_, id)| id.clone()).collect();
        let found: HashSet<Id> = lock_living(call, conn, &target, &ids).await?.into_iter().collect();
        let made: HashSet<String> = records.iter().filter_map(|(_, record)| text(record.get(model.roles.id))).collect();
        let is_made = |id: &Id| reference.target == model.full_name && made.contains(&id.to_string());
        if let Some((place, id)) = wanted.iter().find(|(_, id)| !found.contains(id) && !is_made(id)) {
            return Err(reference::missed(call, conn, (reference, id)).await?.within(&place.record()).into());
        }
    }
    Ok(())
}

fn text(value: Option<&Value>) -> Option<String> {
    match value {
        Some(Value::String(text)) => Some(text.clone()),
        _ => None,
    }
}

/// Takes records away that have ended and still hold an id that is wanted.
async fn make_room(
    session: &mut Session<'_>,
    call: &Call<'_>,
    conn: &mut AsyncPgConnection,
    ready: &[Ready<'_>],
) -> Result<(), Stop> {
    if call.table.model.expiry.is_none() {
        return Ok(());
    }
    let ids: Vec<Id> = ready.iter().map(|one| one.id.clone()).collect();
    crate::operations::purge::ended(call, conn, &ids, &mut session.events).await
}
