//! The position up to which no gap can be filled any more.
//!
//! A writer holds ROW EXCLUSIVE on `events` from before it draws a position until its transaction is visible or rolled back.
//! Each observation reads the newest position that was drawn, and *then* the holders of that lock. When all of them have
//! finished, every position up to that one is final: it is visible to later reads, or never will be. Other transactions do
//! not matter, however long they stay open.

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Columns as _, Sql, rows};
use std::collections::HashSet;
use std::sync::LazyLock;

/// The most observations that wait for their lock holders. Dropping one only delays the watermark.
const MAX_PENDING: usize = 32;

/// The prefix of PostgreSQL's name for a prepared transaction that has lost its original name: before 14.1 always, since then
/// after a restart of the server.
const PREPARED: &str = "-1/";

/// The observations of one connection.
#[derive(Debug, Default)]
pub(crate) struct Watermark {
    /// Per observation, the newest position and the lock holders that have not finished. Positions grow.
    pending: Vec<(i64, HashSet<String>)>,
    /// The prepared transactions of the last observation.
    prepared: HashSet<String>,
    final_through: i64,
}

/// The function reads the sequence under its lock. A query of the sequence's relation does not: while `nextval` writes to the
/// WAL, the relation holds a value that is up to 32 ahead.
static NEWEST: LazyLock<Sql> =
    LazyLock::new(|| Sql::new("SELECT coalesce(pg_sequence_last_value('events_position'::regclass), 0)"));

static HOLDERS: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new(
        "SELECT virtualtransaction FROM pg_locks WHERE locktype = 'relation' AND relation = 'events'::regclass \
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
         AND mode = 'RowExclusiveLock' AND granted",
    )
});

/// Returns the newest position that was drawn.
pub(crate) async fn newest(connection: &mut AsyncPgConnection) -> QueryResult<i64> {
    let rows = rows(connection, &NEWEST, &[]).await?;
    Ok(rows.first().map(|row| row.i64(0)).transpose()?.flatten().unwrap_or_default())
}

impl Watermark {
    /// Takes an observation, and returns the last final position.
    pub(crate) async fn advance(&mut self, connection: &mut AsyncPgConnection) -> QueryResult<i64> {
        let newest = newest(connection).await?;
        let rows = rows(connection, &HOLDERS, &[]).await?;
        let holders = rows.iter().filter_map(|row| row.text(0).transpose()).collect::<QueryResult<_>>()?;
        Ok(self.observe(newest, holders))
    }

    /// Returns the last final position.
    pub(crate) fn final_through(&self) -> i64 {
        self.final_through
    }

    fn observe(&mut self, newest: i64, holders: HashSet<String>) -> i64 {
        let prepared: HashSet<String> = holders.iter().filter(|name| name.starts_with(PREPARED)).cloned().collect();
        // PREPARE TRANSACTION can rename a holder: one that disappeared might be one that is new.
        let renamed: Vec<String> = prepared.difference(&self.prepared).cloned().collect();
        self.prepared = prepared;
        for (position, waited_for) in &mut self.pending {
            let before = waited_for.len();
            waited_for.retain(|name| holders.contains(name));
            if waited_for.len() < before {
                waited_for.extend(renamed.iter().cloned());
            }
            if waited_for.is_empty() {
                self.final_through = self.final_through.max(*position);
            }
        }
        self.pending.retain(|(_, waited_for)| !waited_for.is_empty());
        if holders.is_empty() {
            self.final_through = self.final_through.max(newest);
        } else if let Some((position, _)) = self.pending.last_mut().filter(|(_, last)| *last == holders) {
            *position = newest;
        } else {
            self.pending.push((newest, holders));
        }
        if self.pending.len() > MAX_PENDING {
            self.pending.remove(MAX_PENDING / 2);
        }
        self.final_through
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holders(names: &[&str]) -> HashSet<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn positions_without_lock_holders_are_final_immediately() {
        assert_eq!(Watermark::default().observe(7, holders(&[])), 7);
    }

    #[test]
    fn only_lock_holders_of_an_observation_delay_its_position() {
        let mut watermark = Watermark::default();
        assert_eq!(watermark.observe(7, holders(&["3/1", "4/1"])), 0);
        assert_eq!(watermark.observe(9, holders(&["4/1", "5/1"])), 0);
        assert_eq!(watermark.observe(12, holders(&["5/1", "3/2"])), 7);
        assert_eq!(watermark.observe(12, holders(&["3/2"])), 9);
        assert_eq!(watermark.observe(13, holders(&["3/2"])), 9);
        assert_eq!(watermark.observe(13, holders(&[])), 13);
    }

    #[test]
    fn a_prepared_transaction_delays_under_its_new_name() {
        let mut watermark = Watermark::default();
        watermark.observe(7, holders(&["3/1"]));
        assert_eq!(watermark.observe(9, holders(&["-1/700"])), 0, "3/1 might be -1/700 now");
        assert_eq!(watermark.observe(9, holders(&["3/2"])), 9);
    }

    #[test]
    fn an_older_prepared_transaction_is_not_a_renamed_holder() {
        let mut watermark = Watermark::default();
        watermark.observe(5, holders(&["-1/700"]));
        watermark.observe(7, holders(&["3/1", "-1/700"]));
        assert_eq!(watermark.observe(9, holders(&["-1/700"])), 0, "it holds the lock itself");
        assert_eq!(watermark.observe(9, holders(&[])), 9);
    }

    #[test]
    fn observations_are_bounded() {
        let mut watermark = Watermark::default();
        for at in 0..1_000 {
            watermark.observe(at, holders(&["3/1", &format!("4/{at}")]));
        }
        assert!(watermark.pending.len() <= MAX_PENDING);
        assert_eq!(watermark.observe(1_000, holders(&["4/1000"])), 999);
    }
}
