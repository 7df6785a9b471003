//! The gapless tail: every committed event, once, in the order of positions.
//!
//! Positions are drawn in order but committed in any order. A missing position might still be committed, so later events are
//! held until it appears or is final ([`Watermark`]).

use crate::read::{ReadResult, read};
use crate::watermark::Watermark;
use crate::{Cursor, Event};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;

/// A tail on one connection. It must not outlive the connection, because its watermark is only valid while the server runs.
#[derive(Debug)]
pub struct Tail {
    cursor: Cursor,
    watermark: Watermark,
    /// The position that was missing at the last read. Most gaps close before the next one.
    missing: Option<i64>,
    /// Events after the missing position, which are not read again.
    held: Vec<Event>,
}

/// The result of one step of a tail.
#[derive(Debug, Default)]
pub struct Step {
    /// In order. Can be empty although more follow: see `is_blocked` and `is_full`.
    pub events: Vec<Event>,
    /// Whether the tail waits for a missing position.
    pub is_blocked: bool,
    /// Whether more can be read immediately.
    pub is_full: bool,
    /// Events up to this position might have been dropped. If the cursor was before it, events are missing.
    pub dropped_through: i64,
}

impl Tail {
    /// Returns a tail that starts after a position.
    pub fn new(cursor: Cursor) -> Self {
        Self { cursor, watermark: Watermark::default(), missing: None, held: Vec::new() }
    }

    /// Returns the position after all delivered events.
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// Reads the events that can be delivered now.
    pub async fn step(&mut self, connection: &mut AsyncPgConnection) -> QueryResult<Step> {
        let mut result = self.read(connection).await?;
        if let Some(missing) = self.gap(&result)
            && self.missing == Some(missing)
            && self.watermark.advance(connection).await? >= missing
        {
            // Final events are visible to reads after the watermark was advanced.
            result = read(connection, self.cursor, i64::MAX).await?;
        }
        Ok(self.take(result))
    }

    /// Reads the next events; while a position is missing, only those before the held events.
    async fn read(&mut self, connection: &mut AsyncPgConnection) -> QueryResult<ReadResult> {
        let held = std::mem::take(&mut self.held);
        let Some(first) = held.first() else { return read(connection, self.cursor, i64::MAX).await };
        let mut result = read(connection, self.cursor, first.at.position - 1).await?;
        // The held events only follow a read that was complete.
        if !result.is_full {
            result.events.extend(held);
            result.is_full = true;
        }
        Ok(result)
    }

    /// Moves the tail to `end` if everything up to it is final, and returns whether it is. For a tail that starts at the end.
    pub async fn skip_to_end(&mut self, connection: &mut AsyncPgConnection, end: i64) -> QueryResult<bool> {
        if self.watermark.advance(connection).await? < end {
            return Ok(false);
        }
        self.cursor = self.cursor.max(Cursor::after(end));
        Ok(true)
    }

    /// Returns the first missing position that is not final, if events follow it.
    fn gap(&self, result: &ReadResult) -> Option<i64> {
        let mut before = self.cursor.position;
        for event in &result.events {
            if !self.follows(before, event) {
                return Some(before.max(self.watermark.final_through()) + 1);
            }
            before = event.at.position;
        }
        None
    }

    /// Whether no event can still appear between a position and an event.
    fn follows(&self, before: i64, event: &Event) -> bool {
        event.at.position <= before + 1 || self.watermark.final_through() >= event.at.position - 1
    }

    fn take(&mut self, result: ReadResult) -> Step {
        let missing = self.gap(&result);
        let ReadResult { mut events, dropped_through, is_full } = result;
        let mut before = self.cursor.position;
        let deliverable = events.iter().take_while(|event| {
            let follows = self.follows(before, event);
            before = event.at.position;
            follows
        });
        self.held = events.split_off(deliverable.count());
        if let Some(last) = events.last() {
            self.cursor = last.at;
        }
        self.missing = missing;
        Step { events, is_blocked: missing.is_some(), is_full: is_full && missing.is_none(), dropped_through }
    }
}
