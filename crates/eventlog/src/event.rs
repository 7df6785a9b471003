//! Events, and positions in the log.

use bytes::Bytes;
use groundplan_proto::eventlog::v1;

/// A location in the log: after the event with this position and part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor {
    pub position: i64,
    pub part: i32,
}

impl Cursor {
    /// Before all events.
    pub const START: Self = Self::after(0);

    /// After all events of a position.
    pub const fn after(position: i64) -> Self {
        Self { position, part: i32::MAX }
    }
}

/// One change in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The location after the event. Events of one append have the same position.
    pub at: Cursor,
    /// Whether it is the last event of its position.
    pub is_last: bool,
    /// When it was appended, in microseconds since the Unix epoch, by PostgreSQL's clock.
    pub appended_at: i64,
    /// The transaction that made the change; [`crate::Snapshot::contains`] takes it.
    pub transaction: u64,
    /// Empty for events without a tenant.
    pub tenant: String,
    pub topic: String,
    pub key: String,
    pub kind: i16,
    pub payload: Bytes,
}

impl Event {
    /// Returns its approximate size in memory, in bytes.
    pub fn size(&self) -> usize {
        size_of::<Self>() + self.tenant.len() + self.topic.len() + self.key.len() + self.payload.len()
    }

    /// Converts to the message that `Tail` methods send.
    pub fn to_proto(&self) -> v1::Event {
        v1::Event {
            position: self.at.position,
            part: self.at.part,
            last: self.is_last,
            tenant: self.tenant.clone(),
            topic: self.topic.clone(),
            key: self.key.clone(),
            kind: self.kind.into(),
            appended_at: Some(timestamp(self.appended_at)),
            payload: self.payload.to_vec(),
        }
    }
}

/// Converts microseconds since the Unix epoch.
fn timestamp(microseconds: i64) -> prost_types::Timestamp {
    let nanos = i32::try_from(microseconds.rem_euclid(1_000_000) * 1_000).unwrap_or_default();
    prost_types::Timestamp { seconds: microseconds.div_euclid(1_000_000), nanos }
}
