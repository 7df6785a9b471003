//! PostgreSQL snapshots: which transactions are visible to a read.

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Columns as _, Sql, rows};
use std::sync::LazyLock;

/// A PostgreSQL snapshot: which transactions are visible to its reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// All earlier transactions had finished.
    first_open: u64,
    /// This transaction and all later ones had not started.
    first_unstarted: u64,
    /// Unfinished transactions between the two, in order.
    open: Vec<u64>,
}

static CURRENT: LazyLock<Sql> = LazyLock::new(|| Sql::new("SELECT pg_current_snapshot()::text"));

impl Snapshot {
    /// Queries the current snapshot. In a REPEATABLE READ transaction it is the same for the whole transaction.
    pub async fn current(connection: &mut AsyncPgConnection) -> QueryResult<Self> {
        let rows = rows(connection, &CURRENT, &[]).await?;
        let text = rows.first().map(|row| row.text(0)).transpose()?.flatten().unwrap_or_default();
        let malformed = || diesel::result::Error::DeserializationError(format!("{text:?} is not a snapshot").into());
        Self::parse(&text).ok_or_else(malformed)
    }

    /// Parses PostgreSQL's format, such as `10:20:10,14,15`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ':');
        let first_open = parts.next()?.parse().ok()?;
        let first_unstarted = parts.next()?.parse().ok()?;
        let open = parts.next()?.split(',').filter(|number| !number.is_empty()).map(str::parse);
        let mut open = open.collect::<Result<Vec<u64>, _>>().ok()?;
        open.sort_unstable();
        Some(Self { first_open, first_unstarted, open })
    }

    /// Whether the snapshot contains the changes of a committed transaction.
    pub fn contains(&self, transaction: u64) -> bool {
        transaction < self.first_open
            || transaction < self.first_unstarted && self.open.binary_search(&transaction).is_err()
    }
}

#[cfg(test)]
mod tests {
    use super::Snapshot;

    #[test]
    fn it_contains_transactions_that_were_committed_before() {
        let snapshot = Snapshot::parse("10:20:10,14,15").unwrap();
        for (transaction, expected) in
            [(9, true), (10, false), (11, true), (14, false), (16, true), (19, true), (20, false), (21, false)]
        {
            assert_eq!(snapshot.contains(transaction), expected, "{transaction}");
        }
        assert!(Snapshot::parse("5:5:").unwrap().contains(4));
        for malformed in ["", "1", "1:2", "a:b:", "1:2:x"] {
            assert_eq!(Snapshot::parse(malformed), None, "{malformed}");
        }
    }
}
