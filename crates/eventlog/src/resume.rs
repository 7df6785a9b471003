//! Where a follower resumes, and how a process detects that the log was replaced.
//!
//! A restored copy of the data directory has the same identity, timeline and tables as the original server, and draws the
//! positions after the copy a second time. A resume point therefore identifies the last event at or before its position:
//! another incarnation of the log has a different event there, or none.

use crate::{Cursor, Event};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Bind, Columns as _, Sql, decode_timestamptz, rows};
use std::sync::LazyLock;

/// A position in the log, with the event that identifies the incarnation of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ResumePoint {
    pub cursor: Cursor,
    /// The last event at or before the cursor; `None` if the log has dropped it or never had one.
    pub(crate) last_event: Option<EventIdentity>,
}

/// Distinguishes an event from one with the same position in another incarnation of the log, by the time of its append in
/// microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct EventIdentity {
    pub(crate) at: Cursor,
    pub(crate) appended_at: i64,
}

impl ResumePoint {
    /// Returns a position without an event at or before it.
    pub const fn start_at(cursor: Cursor) -> Self {
        Self { cursor, last_event: None }
    }
}

impl Event {
    /// Returns the position after the event.
    pub fn resume_point(&self) -> ResumePoint {
        ResumePoint { cursor: self.at, last_event: Some(self.identity()) }
    }

    pub(crate) fn identity(&self) -> EventIdentity {
        EventIdentity { at: self.at, appended_at: self.appended_at }
    }
}

/// The log around a position, read in one snapshot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PositionContext {
    /// The newest position that was drawn.
    pub(crate) newest: i64,
    /// Events up to this position might have been dropped.
    pub(crate) dropped_through: i64,
    /// The last event at or before the position that cannot have been dropped.
    pub(crate) last_event: Option<EventIdentity>,
}

static POSITION_CONTEXT: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new(
        "SELECT coalesce(pg_sequence_last_value('events_position'::regclass), 0), log.dropped_through, \
         last.position, last.part, last.appended_at FROM event_log AS log LEFT JOIN LATERAL (\
           SELECT position, part, appended_at FROM events WHERE (position, part) <= (?::bigint, ?::integer) \
           AND position > log.dropped_through ORDER BY position DESC, part DESC LIMIT 1\
         ) AS last ON true",
    )
});

impl PositionContext {
    /// Reads the context of a position.
    pub(crate) async fn read(connection: &mut AsyncPgConnection, cursor: Cursor) -> QueryResult<Self> {
        let rows = rows(connection, &POSITION_CONTEXT, &[Bind::i64(cursor.position), Bind::i32(cursor.part)]).await?;
        let row = rows.first().ok_or(diesel::result::Error::NotFound)?;
        let at = row.i64(2)?.zip(row.i32(3)?).map(|(position, part)| Cursor { position, part });
        let appended_at = row.bytes(4, |bytes| bytes.and_then(decode_timestamptz))?;
        Ok(Self {
            newest: row.i64(0)?.unwrap_or_default(),
            dropped_through: row.i64(1)?.unwrap_or_default(),
            last_event: at.zip(appended_at).map(|(at, appended_at)| EventIdentity { at, appended_at }),
        })
    }

    /// Whether a position is from this incarnation of the log. If its last event might have been dropped, only the newest
    /// position is compared.
    pub(crate) fn includes(&self, point: &ResumePoint) -> bool {
        let expected = point.last_event.filter(|event| event.at.position > self.dropped_through);
        point.cursor.position <= self.newest && self.last_event == expected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: EventIdentity = EventIdentity { at: Cursor { position: 5, part: 0 }, appended_at: 1_000 };
    const LOG: PositionContext = PositionContext { newest: 9, dropped_through: 2, last_event: Some(EVENT) };

    fn point(position: i64, last_event: Option<EventIdentity>) -> ResumePoint {
        ResumePoint { cursor: Cursor::after(position), last_event }
    }

    #[test]
    fn positions_of_another_incarnation_are_detected() {
        assert!(LOG.includes(&point(5, Some(EVENT))));
        assert!(LOG.includes(&point(9, Some(EVENT))), "positions without events are valid too");
        assert!(!LOG.includes(&point(10, Some(EVENT))), "the position was not drawn yet");
        let other = EventIdentity { appended_at: 1_001, ..EVENT };
        assert!(!LOG.includes(&point(5, Some(other))), "another event has the position");
        let later = EventIdentity { at: Cursor { position: 6, part: 0 }, ..EVENT };
        assert!(!LOG.includes(&point(6, Some(later))), "the event does not exist");
        assert!(!LOG.includes(&point(8, None)), "there was no event before the position");
    }

    #[test]
    fn positions_with_dropped_events_are_compared_with_the_rest() {
        let dropped = EventIdentity { at: Cursor { position: 2, part: 0 }, appended_at: 7 };
        let quiet = PositionContext { last_event: None, ..LOG };
        assert!(quiet.includes(&point(4, Some(dropped))));
        assert!(!quiet.includes(&point(10, Some(dropped))));
        assert!(!LOG.includes(&point(5, Some(dropped))), "an event followed the dropped one");
    }
}
