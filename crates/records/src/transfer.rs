//! Import and Export, which transfer many records in one call.
//!
//! An import has two tasks, connected by a bounded channel. The first one reads the call: it splits the bytes into rows
//! ([`rows`]), decodes the rows ([`format`]), validates each record like any write, and encodes it for `COPY` ([`part`]). The
//! second one loads part by part ([`load`]): into a staging table, and from there, with statements over all of its rows, into the
//! model's table and the event log. An export is one task that reads a snapshot at the speed of its reader ([`export`]).

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

/// The maximum number of rows of a part, which is one transaction if invalid rows are skipped.
pub(crate) const MAX_PART_ROWS: usize = 20_000;

/// The maximum size of a part in bytes, without its last row.
pub(crate) const MAX_PART_BYTES: usize = 8 << 20;

/// The maximum number of rows of an import in one transaction.
pub(crate) const MAX_ATOMIC_ROWS: usize = 100_000;

/// The maximum size of an import in one transaction, in bytes. Consumers of the event log read its events together.
pub(crate) const MAX_ATOMIC_BYTES: usize = 64 << 20;

/// The memory that an import reserves in addition to the current row, in bytes: the part being filled, the waiting one, the
/// loading one, and its unsent data.
pub(crate) const IMPORT_MEMORY: usize = 4 * MAX_PART_BYTES;

/// The memory that an export reserves in addition to the current record, in bytes.
pub(crate) const EXPORT_MEMORY: usize = 8 * CHUNK_BYTES;

/// The maximum duration of an export. Until its snapshot ends, PostgreSQL cannot vacuum newer row versions.
pub(crate) const LONGEST_EXPORT: Duration = Duration::from_secs(3_600);

/// The maximum number of errors of a response.
pub(crate) const MAX_ERRORS: usize = 100;

/// The maximum wait of an import for the next bytes, and of an export for its reader.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The size of a message of an export in bytes, without the rest of its last record.
pub(crate) const CHUNK_BYTES: usize = 256 << 10;

/// How long the progress of an import is stored.
pub(crate) const PROGRESS_HOURS: usize = 24;
