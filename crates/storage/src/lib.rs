//! The tables, columns, indexes and foreign keys of a revision: made from a plan, one step after the other, and looked at afterwards.
//!
//! Everything here can be repeated. A process that dies in between leaves whole steps, or an index that is not valid,
//! which the next one drops. One process works at a time; the others wait and then find everything done.

mod arrange;
mod batches;
mod dangling;
mod existing;
mod failure;
mod indexes;
pub(crate) mod lock;
mod restore;
mod run;
mod session;
mod verify;

use crate::store::prepared::{prepared_contains, prepared_record};
use diesel_async::AsyncPgConnection;
use existing::Existing;
use failure::Trouble;
use groundplan_chassis::database::Database;
use groundplan_error::{Error, Reason};
use groundplan_model::catalog::Catalog;
use groundplan_model::{DatabaseObject, Ddl, Diagnostic, Leftover, Plan, Step, plan};
use indexes::Indexes;
use session::Patience;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Instant;

/// Is told how many steps are done and what is being done now.
pub(crate) type Progress = Box<dyn Fn(usize, &str) + Send + Sync>;

/// Makes the storage of a revision that is not live yet, where it is not complete. `base` is the revision whose storage
/// is known to be there; without one, everything is looked at. Returns the number of steps that were done.
///
/// The work goes on when the caller stops waiting: what holds a lock of the database must come to its own end. It begins
/// again for a while when the database goes away. After a failure, the indexes and the foreign keys that it has made are
/// dropped: records would have to obey them though they are of no live revision.
pub(crate) async fn prepare(
    database: Database,
    base: Option<Arc<Catalog>>,
    target: Arc<Catalog>,
    progress: Progress,
) -> Result<usize, Error> {
    spawn(database, Work { base, target, progress, is_live: false, built: Indexes::new(), undo: Vec::new() }).await
}

/// Completes the storage of the live revision, as far as possible: a step that fails does not keep the others from being
/// done. Otherwise like [`prepare`].
pub(crate) async fn repair(
    database: Database,
    base: Option<Arc<Catalog>>,
    target: Arc<Catalog>,
    progress: Progress,
) -> Result<usize, Error> {
    spawn(database, Work { base, target, progress, is_live: true, built: Indexes::new(), undo: Vec::new() }).await
}

/// Takes back what a failed revision has left, as the only process that works on the storage, if `is_settled` under its
/// lock. What cannot be taken back is logged: it is tried again with the next revision.
pub(crate) async fn withdraw(
    database: &Database,
    revision: i64,
    leftovers: &[Leftover],
    is_settled: impl AsyncFnOnce() -> Result<bool, Error>,
) -> Result<(), Error> {
    let mut conn = session::open(database).await?;
    let progress: Progress = Box::new(|_, _| {});
    if lock::acquire(&mut conn, lock::PATIENCE, &progress).await.is_err() {
        tracing::warn!(
            revision,
            "the storage of a failed revision cannot be dropped: another process changes the storage"
        );
        return Ok(());
    }
    let outcome = is_settled().await;
    if matches!(outcome, Ok(true)) {
        for leftover in leftovers {
            take_back(&mut conn, revision, leftover).await;
        }
    }
    // If this fails the lock ends with the session, which ends here.
    let _ = lock::release(&mut conn).await;
    outcome.map(drop)
}

async fn take_back(conn: &mut AsyncPgConnection, revision: i64, leftover: &Leftover) {
    match run::is_there(conn, &leftover.table, &leftover.object).await {
        Ok(false) => return,
        Ok(true) => {}
        Err(error) => return tracing::warn!(revision, %error, "the storage of a failed revision is unknown"),
    }
    for statement in &leftover.undo {
        match run::statements(conn, std::slice::from_ref(statement)).await {
            Ok(()) => tracing::info!(revision, sql = statement.sql, "the storage of a failed revision is dropped"),
            Err((_, error)) => {
                tracing::warn!(revision, sql = statement.sql, %error, "the storage of a failed revision stays; run this statement");
            }
        }
    }
}

async fn spawn(database: Database, mut work: Work) -> Result<usize, Error> {
    tokio::spawn(async move { work.run(&database).await }).await.map_err(Error::internal)?
}

/// What is to be made, and how far it is.
struct Work {
    base: Option<Arc<Catalog>>,
    target: Arc<Catalog>,
    progress: Progress,
    is_live: bool,
    /// The indexes that were not there before.
    built: Indexes,
    /// What takes back the other steps that were begun, first what is to be taken back first.
    undo: Vec<Ddl>,
}

impl Work {
    /// Works until the storage is complete, or cannot be, or the database was away for too long.
    async fn run(&mut self, database: &Database) -> Result<usize, Error> {
        let mut patience = Patience::new();
        loop {
            patience.attempt(Instant::now());
            let error = match self.attempt(database).await {
                Err(error) if error.reason() == Reason::DatabaseUnavailable => error,
                outcome => return outcome,
            };
            if patience.is_over(Instant::now()) {
                if !self.is_live && !self.built.is_empty() {
                    let indexes = indexes::names(&self.built);
                    tracing::warn!(
                        indexes,
                        "indexes of a failed apply cannot be dropped: the database is not available"
                    );
                }
                return Err(error);
            }
            tracing::warn!(error = error.log_text(), "the change of the storage was interrupted; it starts again");
            (self.progress)(0, "the database does not respond; trying again");
            patience.rest().await;
        }
    }

    /// Works on a connection of its own, so that neither the lock nor the settings of the session get into the pool.
    async fn attempt(&mut self, database: &Database) -> Result<usize, Error> {
        let mut conn = session::open(database).await?;
        if self.is_complete(&mut conn).await.map_err(|trouble| trouble.explained(&self.target))? {
            return Ok(0);
        }
        lock::acquire(&mut conn, lock::PATIENCE, &self.progress)
            .await
            .map_err(|trouble| trouble.explained(&self.target))?;
        let outcome = self.make(&mut conn).await.map_err(|trouble| trouble.explained(&self.target));
        if outcome.as_ref().is_err_and(|error| error.reason() != Reason::DatabaseUnavailable) && !self.is_live {
            self.take_back(&mut conn).await;
        }
        // If this fails the lock ends with the session, which ends here.
        let _ = lock::release(&mut conn).await;
        outcome
    }

    /// Does what has not been done, as the only process that works on the storage.
    async fn make(&mut self, conn: &mut AsyncPgConnection) -> Result<usize, Trouble> {
        if self.is_complete(conn).await? {
            return Ok(0);
        }
        let plan = self.plan(conn).await?;
        let existing = Existing::look(conn, &self.target).await?;
        let lost = restore::statements(&self.target, &existing);
        run::statements(conn, &lost).await.map_err(|(_, error)| error)?;
        let strict = restore::deferrable(&self.target, &existing);
        run::statements(conn, &strict).await.map_err(|(_, error)| error)?;
        let steps = arrange::arrange(plan.steps, &existing, self.base.as_deref(), &self.target);
        self.run_steps(conn, &steps, &existing).await?;
        if let Some(lack) = verify::lacks(conn, &self.target).await? {
            return Err(Trouble::Explained(Error::new(Reason::StepFailed, lack)));
        }
        prepared_record(conn, self.target.revision, &digest(&self.target)).await?;
        Ok(steps.len())
    }

    /// Plans from the base, if that is good for it, or from nothing.
    async fn plan(&self, conn: &mut AsyncPgConnection) -> Result<Plan, Trouble> {
        // The base's storage is only as good as what is really there: a database may have been restored, or be a new one.
        if let Some(base) = &self.base
            && verify::lacks(conn, base).await?.is_none()
            // `schema` has made a plan before. One that is refused here begins with a base of another life of its database.
            && let Ok(plan) = plan(Some(base), &self.target)
        {
            return Ok(plan);
        }
        plan(None, &self.target).map_err(|diagnostics| Trouble::Explained(not_supported(&diagnostics)))
    }

    async fn run_steps(
        &mut self,
        conn: &mut AsyncPgConnection,
        steps: &[Step],
        existing: &Existing,
    ) -> Result<(), Trouble> {
        let mut first = None;
        for (done, step) in steps.iter().enumerate() {
            (self.progress)(done, &step.description);
            self.built.extend(indexes::of_step(step).filter(|index| !existing.has_index(index)));
            match self.run_step(conn, step, existing).await {
                Ok(()) => {}
                Err(trouble) if self.is_live => first = first.or(Some(trouble)),
                Err(trouble) => return Err(trouble),
            }
        }
        (self.progress)(steps.len(), "all steps are done");
        first.map_or(Ok(()), Err)
    }

    async fn run_step(
        &mut self,
        conn: &mut AsyncPgConnection,
        step: &Step,
        existing: &Existing,
    ) -> Result<(), Trouble> {
        let target = self.target.clone();
        dangling::refuse_early(conn, &target, step).await?;
        let is_there = step.statements.iter().any(|statement| match &statement.creates {
            Some(DatabaseObject::ForeignKey(name)) => existing.has_foreign_key(&statement.table, name),
            _ => false,
        });
        if !is_there && !self.undo.ends_with(&step.undo) {
            self.undo.extend_from_slice(&step.undo);
        }
        match run::step(conn, step).await {
            Ok(()) => Ok(()),
            Err(trouble) => Err(dangling::explain(conn, &target, step, trouble).await),
        }
    }

    /// Takes back what was made for nothing and would have to be obeyed.
    async fn take_back(&mut self, conn: &mut AsyncPgConnection) {
        let kept = self.base.as_deref().map(indexes::of_catalog).unwrap_or_default();
        for index in std::mem::take(&mut self.built).difference(&kept) {
            match run::drop_index(conn, index).await {
                Ok(()) => tracing::info!(schema = index.0, index = index.1, "the index of a failed apply is dropped"),
                Err(error) => {
                    tracing::warn!(schema = index.0, index = index.1, %error, "the index of a failed apply stays; drop it");
                }
            }
        }
        for statement in std::mem::take(&mut self.undo) {
            if let Err((_, error)) = run::statements(conn, std::slice::from_ref(&statement)).await {
                tracing::warn!(sql = statement.sql, %error, "part of a failed apply stays; run this statement");
            }
        }
    }

    /// Whether the storage was completed once and still is.
    async fn is_complete(&self, conn: &mut AsyncPgConnection) -> Result<bool, Trouble> {
        Ok(prepared_contains(conn, self.target.revision, &digest(&self.target)).await?
            && verify::lacks(conn, &self.target).await?.is_none())
    }
}

/// Tells two revisions of the same number apart, of which one is from another life of the schema service's database.
fn digest(catalog: &Catalog) -> Vec<u8> {
    Sha256::digest(&catalog.descriptor_set).to_vec()
}

/// A plan from nothing is never refused; this is for the day when one is.
fn not_supported(diagnostics: &[Diagnostic]) -> Error {
    let words: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
    Error::new(Reason::PlanNotSupported, words.join("; "))
}
