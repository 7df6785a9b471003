//! The tables, columns and indexes of a revision: made from a plan, one step after the other, and looked at afterwards.
//!
//! Everything here can be repeated. A process that dies in between leaves whole steps, or an index that is not valid,
//! which the next one drops. One process works at a time; the others wait and then find everything done.

mod failure;
mod lock;
mod run;
mod verify;

use crate::store::prepared::{prepared_contains, prepared_record};
use diesel_async::AsyncPgConnection;
use failure::Trouble;
use groundplan_chassis::database::Database;
use groundplan_error::{Error, Reason};
use groundplan_model::catalog::Catalog;
use groundplan_model::{Diagnostic, Plan, plan};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Is told how many steps are done and what is being done now.
pub(crate) type Progress = Box<dyn Fn(usize, &str) + Send + Sync>;

/// Makes the storage of a revision where it is not complete yet. `base` is the revision whose storage is known to be
/// there; without one, everything is looked at. Returns the number of steps that were done.
///
/// The work goes on when the caller stops waiting: what holds a lock of the database must come to its own end.
pub(crate) async fn prepare(
    database: Database,
    base: Option<Arc<Catalog>>,
    target: Arc<Catalog>,
    progress: Progress,
) -> Result<usize, Error> {
    let work = tokio::spawn(async move {
        let mut lease = database.lease().await?;
        let outcome = lease.run(async |conn| prepare_on_conn(conn, base.as_deref(), &target, &progress).await).await;
        outcome.map_err(|trouble| trouble.explained(&target))
    });
    work.await.map_err(Error::internal)?
}

async fn prepare_on_conn(
    conn: &mut AsyncPgConnection,
    base: Option<&Catalog>,
    target: &Catalog,
    progress: &Progress,
) -> Result<usize, Trouble> {
    if is_complete(conn, target).await? {
        return Ok(0);
    }
    progress(0, "waits until no other process works on the storage");
    lock::acquire(conn).await?;
    let outcome = make(conn, base, target, progress).await;
    let released = lock::release(conn).await;
    released?;
    outcome
}

/// Does what has not been done, as the only process that works on the storage.
async fn make(
    conn: &mut AsyncPgConnection,
    base: Option<&Catalog>,
    target: &Catalog,
    progress: &Progress,
) -> Result<usize, Trouble> {
    if is_complete(conn, target).await? {
        return Ok(0);
    }
    // The base's storage is only as good as what is really there: a database may have been restored, or be a new one.
    let base = match base {
        Some(base) if verify::lacks(conn, base).await?.is_none() => Some(base),
        _ => None,
    };
    let plan = plan(base, target).map_err(|diagnostics| Trouble::Explained(not_supported(&diagnostics)))?;
    run_steps(conn, &plan, progress).await?;
    if let Some(lack) = verify::lacks(conn, target).await? {
        return Err(Trouble::Explained(Error::new(Reason::StepFailed, lack)));
    }
    prepared_record(conn, target.revision, &digest(target)).await?;
    Ok(plan.steps.len())
}

async fn run_steps(conn: &mut AsyncPgConnection, plan: &Plan, progress: &Progress) -> Result<(), Trouble> {
    for (done, step) in plan.steps.iter().enumerate() {
        progress(done, &step.description);
        run::step(conn, step).await?;
    }
    progress(plan.steps.len(), "the storage is complete");
    Ok(())
}

/// Whether the storage was completed once and still is.
async fn is_complete(conn: &mut AsyncPgConnection, target: &Catalog) -> Result<bool, Trouble> {
    Ok(prepared_contains(conn, target.revision, &digest(target)).await? && verify::lacks(conn, target).await?.is_none())
}

/// Tells two revisions of the same number apart, of which one is from another life of the schema service's database.
fn digest(catalog: &Catalog) -> Vec<u8> {
    Sha256::digest(&catalog.descriptor_set).to_vec()
}

/// `schema` has made the same plan before, so this is rare.
fn not_supported(diagnostics: &[Diagnostic]) -> Error {
    let words: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
    Error::new(Reason::PlanNotSupported, words.join("; "))
}
