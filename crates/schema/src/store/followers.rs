//! The table `followers`.

use super::interval;
use crate::tables::followers;
use diesel::dsl::now;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use std::time::Duration;

/// A row: the report of a follower.
#[derive(Clone, Debug, Default, PartialEq, Eq, HasQuery, Insertable, AsChangeset)]
#[diesel(table_name = followers)]
pub(crate) struct Follower {
    pub(crate) id: String,
    pub(crate) serving: i64,
    pub(crate) preparing: i64,
    pub(crate) steps_done: i32,
    pub(crate) message: String,
    pub(crate) done: bool,
    pub(crate) failure: String,
}

impl Follower {
    /// Stores the report, and that the follower was seen now.
    pub(crate) async fn upsert(&self, connection: &mut AsyncPgConnection) -> QueryResult<()> {
        diesel::insert_into(followers::table)
            .values(self)
            .on_conflict(followers::id)
            .do_update()
            .set((self, followers::seen_at.eq(now)))
            .execute(connection)
            .await?;
        Ok(())
    }
}

/// Lists the followers that reported within `window`.
pub(crate) async fn list_alive(connection: &mut AsyncPgConnection, window: Duration) -> QueryResult<Vec<Follower>> {
    let alive = Follower::query().filter((followers::seen_at + interval(window)).gt(now));
    alive.order(followers::id).load(connection).await
}

/// Deletes a follower.
pub(crate) async fn delete(connection: &mut AsyncPgConnection, id: &str) -> QueryResult<usize> {
    diesel::delete(followers::table.filter(followers::id.eq(id))).execute(connection).await
}

/// Deletes the followers that did not report within `window`.
pub(crate) async fn delete_not_seen(connection: &mut AsyncPgConnection, window: Duration) -> QueryResult<usize> {
    let silent = followers::table.filter((followers::seen_at + interval(window)).lt(now));
    diesel::delete(silent).execute(connection).await
}
