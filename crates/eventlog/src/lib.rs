//! The event log of a service: every committed change, in order.
//!
//! Each transaction appends its own changes ([`append_after_change`], [`append`]). One [`Tail`] per process reads them into
//! memory, without gaps and in the order of their positions, and serves all followers of the process ([`Log`]). A token is a
//! sealed position and survives restarts. Partitions by time are created in advance and dropped after the retention.
//!
//! **Gapless.** The tail delivers each committed event exactly once, regardless of the order of commits. Only transactions that
//! have appended can make the tail wait.

mod append;
mod client;
mod epoch;
mod event;
mod follow;
mod log;

mod partitions;
mod read;
mod reader;
mod resume;
mod ring;
mod snapshot;
mod status;
mod tail;
mod tasks;
mod wake;
mod watermark;

pub use append::{NewEvent, append, append_after_change, append_selected, is_partition_missing};
pub use client::{Follower, FollowerUpdate, Messages, Source};
pub use event::{Cursor, Event};
pub use follow::{Batch, follow};
pub use log::{Log, MAX_TOKEN, Progress};
pub use read::MAX_READ_BYTES;
pub use resume::ResumePoint;
pub use snapshot::Snapshot;
pub use status::Status;
pub use tail::{Step, Tail};

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use std::time::Duration;

/// The migrations of the log's tables. A service runs them in its own schema.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// Settings of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The minimum time for which events are kept. Partitions, which are dropped as a whole, span a twelfth of it.
    pub retention: Duration,
    /// How often a process polls for appends although it is notified of them.
    pub poll: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { retention: Duration::from_secs(72 * 3_600), poll: Duration::from_secs(1) }
    }
}
