//! The event log of a service: what it has committed, in order, for whoever must learn of it.
//!
//! Changes are appended in their own transactions ([`append_after_change`], [`append`]). One [`Tail`] a process reads them, gapless and in
//! the order of their positions, into memory, from which all followers of the process are served ([`Log`]). A token is a
//! sealed place in the log and survives restarts. Partitions by time are made ahead and dropped after the retention.
//!
//! **Gapless.** No committed event is left out or given twice, whatever order transactions commit in, and no transaction but
//! those that have appended themselves can make the tail wait.

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

/// The log's tables. A service runs them in its own schema.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// What can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long events are kept, at least: they are dropped by partitions of a twelfth of it.
    pub retention: Duration,
    /// How often a process that is notified of appends looks for them all the same.
    pub poll: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { retention: Duration::from_secs(72 * 3_600), poll: Duration::from_secs(1) }
    }
}
