//! Builds the tables, columns, indexes and foreign keys of a revision in PostgreSQL, and verifies them.
//!
//! Every operation can be repeated. A process that stops in between leaves complete steps, or an invalid index that the next
//! process drops. One process works at a time; the others wait and then find all work done.

mod arrange;
mod batches;
mod error;
mod execute;
mod existing;
mod indexes;
mod job;
mod lock;
mod orphaned_references;
mod prepared;
mod restore;
mod session;
mod transaction;
mod verify;
mod withdraw;

pub use withdraw::withdraw;

use groundplan_chassis::database::Database;
use groundplan_error::Error;
use groundplan_model::catalog::Catalog;
use job::{Job, Purpose};
use std::sync::Arc;

/// Receives the number of finished steps and a description of the current one.
pub type Progress = Box<dyn Fn(usize, &str) + Send + Sync>;

/// Completes the storage of a revision that is not live yet. `base` is the revision whose storage is known to exist; without
/// it, the whole storage is inspected. Returns the number of executed steps.
///
/// The work continues when the caller stops waiting, because a session that holds locks must finish. It restarts for up to
/// a minute while the database is unavailable. After an error, the new indexes and foreign keys are dropped: records would
/// have to satisfy them although no live revision declares them.
///
/// # Errors
/// `STEP_FAILED` if a step fails or the result differs from the revision, `PLAN_NOT_SUPPORTED`, `DATABASE_UNAVAILABLE`.
pub async fn prepare(
    database: Database,
    base: Option<Arc<Catalog>>,
    target: Arc<Catalog>,
    progress: Progress,
) -> Result<usize, Error> {
    Job::new(base, target, progress, Purpose::Prepare).spawn(database).await
}

/// Completes the storage of the live revision as far as possible: the other steps are executed even if one fails. Otherwise
/// like [`prepare`].
///
/// # Errors
/// Those of [`prepare`], after all steps.
pub async fn repair(
    database: Database,
    base: Option<Arc<Catalog>>,
    target: Arc<Catalog>,
    progress: Progress,
) -> Result<usize, Error> {
    Job::new(base, target, progress, Purpose::Repair).spawn(database).await
}

#[cfg(test)]
mod tests;
