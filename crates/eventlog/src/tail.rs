//! The gapless tail: what is committed, in the order of positions, each once, none left out.
//!
//! Positions are drawn in order but committed in any. A position that is missing may be about to come, so nothing behind it
//! is given until it is there, or is final ([`Watermark`]).

use crate::read::{ReadResult, read};
use crate::watermark::Watermark;
use crate::{Cursor, Event};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;

/// A tail on one connection. It must not outlive the connection: who fills a gap is known only as long as the server lives.
#[derive(Debug)]
pub struct Tail {
    cursor: Cursor,
    watermark: Watermark,
    /// The position that was missing at the last read. Most gaps close by themselves before the next.
    missing: Option<i64>,
    /// What was read after that position. It is not read again while the position is missing.
    held: Vec<Event>,
}

/// What a step of a tail has found.
#[derive(Debug, Default)]
pub struct Step {
    /// In order. None may follow all the same: see `is_blocked` and `is_full`.
    pub events: Vec<Event>,
    /// Whether a position is missing, so that the tail waits for it.
    pub is_blocked: bool,
    /// Whether more can be read at once.
    pub is_full: bool,
    /// Events up to this position may have been dropped by then. If the cursor was before it, events are missing.
    pub dropped_through: i64,
}

impl Tail {
    /// Reads on behind a place.
    pub fn new(cursor: Cursor) -> Self {
        Self { cursor, watermark: Watermark::default(), missing: None, held: Vec::new() }
    }

    /// Behind everything that was given.
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// Gives what can be given now.
    pub async fn step(&mut self, connection: &mut AsyncPgConnection) -> QueryResult<Step> {
        let mut found = self.read(connection).await?;
        if let Some(missing) = self.gap(&found)
            && self.missing == Some(missing)
            && self.watermark.advance(connection).await? >= missing
        {
            // What is final is visible to what is read after the look.
            found = read(connection, self.cursor, i64::MAX).await?;
        }
        Ok(self.take(found))
    }

    /// Reads what follows: all of it, or, while a position is missing, what may have come there.
    async fn read(&mut self, connection: &mut AsyncPgConnection) -> QueryResult<ReadResult> {
        let held = std::mem::take(&mut self.held);
        let Some(first) = held.first() else { return read(connection, self.cursor, i64::MAX).await };
        let mut found = read(connection, self.cursor, first.at.position - 1).await?;
        // What is held follows only what was read to its end.
        if !found.is_full {
            found.events.extend(held);
            found.is_full = true;
        }
        Ok(found)
    }

    /// Watermark until everything up to the newest position of the first look is final, and goes on behind that; says whether
    /// it is. For a tail that begins at the end.
    pub async fn skip_to_end(&mut self, connection: &mut AsyncPgConnection, end: i64) -> QueryResult<bool> {
        if self.watermark.advance(connection).await? < end {
            return Ok(false);
        }
        self.cursor = self.cursor.max(Cursor::after(end));
        Ok(true)
    }

    /// The first position that is missing and not final, if something is behind it.
    fn gap(&self, found: &ReadResult) -> Option<i64> {
        let mut before = self.cursor.position;
        for event in &found.events {
            if !self.follows(before, event) {
                return Some(before.max(self.watermark.final_through()) + 1);
            }
            before = event.at.position;
        }
        None
    }

    /// Whether nothing can come between a position and an event.
    fn follows(&self, before: i64, event: &Event) -> bool {
        event.at.position <= before + 1 || self.watermark.final_through() >= event.at.position - 1
    }

    fn take(&mut self, found: ReadResult) -> Step {
        let missing = self.gap(&found);
        let ReadResult { mut events, dropped_through, is_full } = found;
        let mut before = self.cursor.position;
        let given = events.iter().take_while(|event| {
            let follows = self.follows(before, event);
            before = event.at.position;
            follows
        });
        self.held = events.split_off(given.count());
        if let Some(last) = events.last() {
            self.cursor = last.at;
        }
        self.missing = missing;
        Step { events, is_blocked: missing.is_some(), is_full: is_full && missing.is_none(), dropped_through }
    }
}
