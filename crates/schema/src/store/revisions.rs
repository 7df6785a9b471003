//! The table `revisions`.

use super::revision_rows::{FAILED, LIVE, NewRevision, PREPARING, Revision, Summary};
use super::{events, interval};
use crate::tables::revisions;
use chrono::{DateTime, Utc};
use diesel::dsl::{exists, max, now, sql};
use diesel::prelude::*;
use diesel::sql_types::{Double, Nullable, Timestamptz};
use diesel_async::{AsyncConnection as _, AsyncPgConnection, RunQueryDsl};
use std::time::Duration;

/// The newest revisions; 0 if there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Heads {
    pub(crate) live: i64,
    pub(crate) preparing: i64,
}

impl NewRevision<'_> {
    /// Inserts the row with a lease. Fails on `revisions_one_preparing` or `revisions_pkey` if another apply is first.
    pub(crate) async fn insert_in_transaction(
        &self,
        connection: &mut AsyncPgConnection,
        lease: Duration,
    ) -> QueryResult<Summary> {
        let lease_until = (now.into_sql::<Timestamptz>() + interval(lease)).nullable();
        let inserted = diesel::insert_into(revisions::table).values((self, revisions::lease_until.eq(lease_until)));
        inserted.returning(Summary::as_returning()).get_result(connection).await
    }
}

/// The final state of a preparing revision.
#[derive(Debug, AsChangeset)]
#[diesel(table_name = revisions, treat_none_as_null = true)]
struct Outcome<'a> {
    state: i16,
    failure: Option<&'a str>,
    lease_until: Option<DateTime<Utc>>,
}

impl<'a> Outcome<'a> {
    fn failed(failure: &'a str) -> Self {
        Self { state: FAILED, failure: Some(failure), lease_until: None }
    }
}

/// Finds the newest revisions.
pub(crate) async fn find_heads(connection: &mut AsyncPgConnection) -> QueryResult<Heads> {
    let newest = |state: i16| {
        let newest_first = revisions::table.filter(revisions::state.eq(state)).order(revisions::number.desc());
        newest_first.select(revisions::number).limit(1).single_value()
    };
    let (live, preparing): (Option<i64>, Option<i64>) =
        diesel::select((newest(LIVE), newest(PREPARING))).get_result(connection).await?;
    Ok(Heads { live: live.unwrap_or(0), preparing: preparing.unwrap_or(0) })
}

/// Finds the live revision.
pub(crate) async fn find_live(connection: &mut AsyncPgConnection) -> QueryResult<Option<Revision>> {
    let newest_first = Revision::query().filter(revisions::state.eq(LIVE)).order(revisions::number.desc());
    newest_first.first(connection).await.optional()
}

/// Finds a revision by number.
pub(crate) async fn find(connection: &mut AsyncPgConnection, number: i64) -> QueryResult<Option<Revision>> {
    Revision::query().filter(revisions::number.eq(number)).first(connection).await.optional()
}

/// Lists at most `limit` revisions whose numbers are below `before`, newest first.
pub(crate) async fn list(connection: &mut AsyncPgConnection, before: i64, limit: i64) -> QueryResult<Vec<Summary>> {
    let older = Summary::query().filter(revisions::number.lt(before));
    older.order(revisions::number.desc()).limit(limit).load(connection).await
}

/// Returns the number for a new revision.
pub(crate) async fn next_number_in_transaction(connection: &mut AsyncPgConnection) -> QueryResult<i64> {
    let last: Option<i64> = revisions::table.select(max(revisions::number)).get_result(connection).await?;
    Ok(last.unwrap_or(0) + 1)
}

/// Marks the revision of a dead apply failed, and returns it.
pub(crate) async fn fail_expired_in_transaction(
    connection: &mut AsyncPgConnection,
    failure: &str,
) -> QueryResult<Vec<Summary>> {
    let expired =
        revisions::table.filter(revisions::state.eq(PREPARING)).filter(revisions::lease_until.nullable().lt(now));
    let failed = diesel::update(expired).set((Outcome::failed(failure), revisions::updated_at.eq(now)));
    failed.returning(Summary::as_returning()).get_results(connection).await
}

/// Marks a revision failed if it is preparing. Returns whether it was.
pub(crate) async fn fail(connection: &mut AsyncPgConnection, number: i64, failure: &str) -> QueryResult<bool> {
    end_preparation(connection, number, Outcome::failed(failure)).await
}

/// Makes a revision live unless it has failed. Returns whether it is live. The call can be repeated if the response was
/// lost.
pub(crate) async fn publish(connection: &mut AsyncPgConnection, number: i64) -> QueryResult<bool> {
    if end_preparation(connection, number, Outcome { state: LIVE, failure: None, lease_until: None }).await? {
        return Ok(true);
    }
    diesel::select(exists(in_state(number, LIVE))).get_result(connection).await
}

/// Sets the final state of a preparing revision and appends it to the event log. Returns whether the revision was
/// preparing.
async fn end_preparation(connection: &mut AsyncPgConnection, number: i64, outcome: Outcome<'_>) -> QueryResult<bool> {
    let work = async |connection: &mut AsyncPgConnection| {
        let update = diesel::update(in_state(number, PREPARING)).set((outcome, revisions::updated_at.eq(now)));
        let changed = update.returning(Summary::as_returning()).get_results(connection).await?;
        let was_preparing = !changed.is_empty();
        events::append_in_transaction(connection, changed).await?;
        Ok(was_preparing)
    };
    connection.transaction(work).await
}

/// Renews the lease of a preparing revision. Returns whether it was preparing.
pub(crate) async fn renew(connection: &mut AsyncPgConnection, number: i64, lease: Duration) -> QueryResult<bool> {
    let lease_until = (now.into_sql::<Timestamptz>() + interval(lease)).nullable();
    let renewed = (revisions::lease_until.eq(lease_until), revisions::updated_at.eq(now));
    diesel::update(in_state(number, PREPARING)).set(renewed).execute(connection).await.map(|rows| rows > 0)
}

/// Returns the remaining lease of a preparing revision.
pub(crate) async fn remaining_lease(connection: &mut AsyncPgConnection, number: i64) -> QueryResult<Option<Duration>> {
    let left = sql::<Nullable<Double>>("extract(epoch FROM lease_until - now())::double precision");
    let seconds: Option<f64> = in_state(number, PREPARING).select(left).first(connection).await.optional()?.flatten();
    Ok(seconds.map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default()))
}

#[diesel::dsl::auto_type]
fn in_state(number: i64, state: i16) -> _ {
    revisions::table.filter(revisions::number.eq(number)).filter(revisions::state.eq(state))
}
