//! Creates of several records in one transaction.

use super::complete::completed;
use crate::call::Call;
use crate::operations::write_session::{self, Action, Maker, Planned, Session, WritePath, parts};
use crate::operations::{deleted, names, reference};
use crate::table::Table;
use crate::tx_error::TxError;
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Bind, PgRow, Sql, rows};
use groundplan_codec::Record;
use groundplan_error::{Error, ErrorCollector};
use groundplan_query::bind;
use groundplan_query::id::Id;
use std::collections::HashSet;
use std::sync::Arc;

/// A record that is ready to be written.
pub(crate) struct ReadyRecord<'a> {
    pub(crate) at: usize,
    pub(crate) place: WritePath<'a>,
    pub(crate) id: Id,
    pub(crate) record: Record,
}

impl<'a> ReadyRecord<'a> {
    /// Completes and validates the record that a write creates.
    pub(crate) async fn new(
        call: &Call<'_>,
        write: &Planned<'a>,
        at: usize,
        record: &Record,
        now: i64,
    ) -> Result<Self, Error> {
        let (place, id) = (write.place, write.id.clone());
        let record = completed(call, record.clone(), &id, now).await;
        let record = record.map_err(|error| error.within(&place.record()))?;
        Ok(Self { at, place, id, record })
    }
}

/// Creates the records of `writes`, all of one model.
pub(crate) async fn run<'a>(
    session: &mut Session<'a>,
    conn: &mut AsyncPgConnection,
    table: &Arc<Table>,
    (first, writes): (usize, &[Planned<'a>]),
) -> Result<(), TxError> {
    let call = session.call_of(table);
    let (mut ready, mut errors) = (Vec::with_capacity(writes.len()), ErrorCollector::default());
    for (write, at) in writes.iter().zip(first..) {
        let Action::Create(record) = &write.action else { continue };
        ready.extend(errors.keep(ReadyRecord::new(&call, write, at, record, session.now).await));
        if errors.is_full() {
            break;
        }
    }
    errors.finish()?;
    match insert(session, conn, table, ready).await?.first() {
        Some(taken) => Err(deleted::exists_on(&call, conn, &taken.id).await?.within(&taken.place.item()).into()),
        None => Ok(()),
    }
}

/// Inserts complete records, and returns those whose ids are taken.
pub(crate) async fn insert<'a>(
    session: &mut Session<'a>,
    conn: &mut AsyncPgConnection,
    table: &Arc<Table>,
    ready: Vec<ReadyRecord<'a>>,
) -> Result<Vec<ReadyRecord<'a>>, TxError> {
    let call = session.call_of(table);
    session.check_answers(table, ready.iter().map(|one| &one.record))?;
    make_room(session, &call, conn, &ready).await?;
    let now = session.now;
    let mut inserted = HashSet::new();
    // With one order for all, two requests that create the same records cannot deadlock.
    let mut in_order: Vec<&ReadyRecord<'_>> = ready.iter().collect();
    in_order.sort_unstable_by(|one, other| one.id.cmp(&other.id));
    for part in parts(&in_order, table.columns.len() + 2) {
        let mut binds = Vec::with_capacity(part.len() * (table.columns.len() + 2));
        for ReadyRecord { record, .. } in part {
            binds.extend([Bind::text(&call.principal.tenant), Bind::i64(now)]);
            for column in &table.columns {
                binds.push(bind::bind(&table.model, column, record)?);
            }
        }
        let sql = write_session::insert(table, part.len());
        let first = part.first().map(|one| (one.place, &one.record));
        let found = guarded(session.is_careful, &call, conn, first, (&sql, &binds)).await?;
        inserted.extend(names::read_ids(&table.model, &found)?);
    }
    let (done, taken): (Vec<_>, Vec<_>) = ready.into_iter().partition(|one| inserted.contains(&one.id));
    for ReadyRecord { at, place, id, record } in done {
        let maker = Maker { at, place, is_other: false };
        session.references.add(&table.model, maker, (None, &record), &id);
        session.events.created(&table.model, &record, now);
        session.answer_created(at, table, record, now);
    }
    Ok(taken)
}

/// Runs a statement that writes records and returns rows. In a careful attempt it writes one record only, and the error
/// names that record if it violates a constraint.
pub(crate) async fn guarded(
    is_careful: bool,
    call: &Call<'_>,
    conn: &mut AsyncPgConnection,
    first: Option<(WritePath<'_>, &Record)>,
    (sql, binds): (&Sql, &[Bind]),
) -> Result<Vec<PgRow>, TxError> {
    let written = rows(conn, sql, binds).await;
    written.map_err(|error| match first.filter(|_| is_careful) {
        Some((place, record)) => reference::stop(call, record, error, &place.record()),
        None => error.into(),
    })
}

/// Purges expired records that still have an id of a new record.
async fn make_room(
    session: &mut Session<'_>,
    call: &Call<'_>,
    conn: &mut AsyncPgConnection,
    ready: &[ReadyRecord<'_>],
) -> Result<(), TxError> {
    if call.table.model.expiry.is_none() {
        return Ok(());
    }
    let ids: Vec<Id> = ready.iter().map(|one| one.id.clone()).collect();
    crate::operations::purge::ended(call, conn, &ids, &mut session.events).await
}
