//! Imports and exports: many records at once.
//!
//! An import is two tasks. One reads the call: it cuts the bytes into rows ([`rows`]), the rows into records ([`format`]), checks
//! each as any write is checked, and encodes it for `COPY` ([`part`]). The other one loads part by part ([`load`]): into a staging
//! table, and from there, by statements over all of its rows, into the model's table and the event log. So both cores work, and
//! what waits for each other is bounded. An export is one task that reads a snapshot and waits for its reader ([`export`]).

mod changes;
mod checks;
mod copy;
mod csv;
mod export;
mod format;
mod header;
mod import;
mod load;
mod part;
mod part_error;
mod progress;
mod reading;
mod report;
mod row_error;
mod rows;
mod session;
mod staging;
mod written;

pub(crate) use export::export;
pub(crate) use import::import;

use std::time::Duration;

/// The most rows of a part: what is one transaction where bad rows are skipped.
pub(crate) const MAX_PART_ROWS: usize = 20_000;

/// The most bytes of a part, but for its last row.
pub(crate) const MAX_PART_BYTES: usize = 8 << 20;

/// The most rows of an import that is one transaction.
pub(crate) const MAX_ATOMIC_ROWS: usize = 100_000;

/// The most bytes of the rows of an import that is one transaction: its events are read together by whoever copies them.
pub(crate) const MAX_ATOMIC_BYTES: usize = 64 << 20;

/// What an import holds of the process's memory besides the row that it reads: the part that is filled, the one that waits, the one
/// that is loaded, and what is sent of it.
pub(crate) const IMPORT_MEMORY: usize = 4 * MAX_PART_BYTES;

/// What an export holds of the process's memory besides the record that it writes.
pub(crate) const EXPORT_MEMORY: usize = 8 * CHUNK_BYTES;

/// How long an export may take: PostgreSQL keeps what its snapshot sees, and cleans up nothing that is newer.
pub(crate) const LONGEST_EXPORT: Duration = Duration::from_secs(3_600);

/// The most errors of an answer.
pub(crate) const MAX_ERRORS: usize = 100;

/// How long an import waits for bytes, and an export for its reader.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The bytes of a message of an export, but for the rest of its last record.
pub(crate) const CHUNK_BYTES: usize = 256 << 10;

/// How long the progress of an import is kept.
pub(crate) const PROGRESS_HOURS: usize = 24;
