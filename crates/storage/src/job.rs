//! The work on the storage of one revision: plan, execute, verify, and undo after an error.

use super::error::StorageError;
use super::existing::Existing;
use super::indexes::{self, Indexes};
use super::prepared::{is_prepared, record_prepared};
use super::session::RetryPolicy;
use super::{Progress, arrange, execute, lock, orphaned_references, restore, session, verify};
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::Database;
use groundplan_error::{Error, Reason};
use groundplan_model::catalog::Catalog;
use groundplan_model::{DatabaseObject, Ddl, Diagnostic, Plan, Step, plan};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Instant;

/// Why the storage is completed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// For a revision that is not live yet: the first failed step stops the work, which is then undone.
    Prepare,
    /// For the live revision: a failed step stops nothing, and nothing is undone.
    Repair,
}

/// The work on the storage of a revision, and its state.
pub(super) struct Job {
    base: Option<Arc<Catalog>>,
    target: Arc<Catalog>,
    progress: Progress,
    purpose: Purpose,
    /// The indexes that did not exist before.
    built: Indexes,
    /// Statements that undo the other started steps, in the order of execution.
    undo: Vec<Ddl>,
}

impl Job {
    pub(super) fn new(base: Option<Arc<Catalog>>, target: Arc<Catalog>, progress: Progress, purpose: Purpose) -> Self {
        Self { base, target, progress, purpose, built: Indexes::new(), undo: Vec::new() }
    }

    /// Does the work in a task, which continues when the caller stops waiting. Returns the number of executed steps.
    pub(super) async fn spawn(mut self, database: Database) -> Result<usize, Error> {
        tokio::spawn(async move { self.run(&database).await }).await.map_err(Error::internal)?
    }

    /// Works until the storage is complete, an error occurs, or the database is unavailable for too long.
    async fn run(&mut self, database: &Database) -> Result<usize, Error> {
        let mut retry = RetryPolicy::new();
        loop {
            retry.start_attempt(Instant::now());
            let error = match self.attempt(database).await {
                Err(error) if error.reason() == Reason::DatabaseUnavailable => error,
                outcome => return outcome,
            };
            if retry.is_exhausted(Instant::now()) {
                if self.purpose == Purpose::Prepare && !self.built.is_empty() {
                    let indexes = indexes::names(&self.built);
                    tracing::warn!(indexes, "cannot drop the indexes of a failed apply: the database is unavailable");
                }
                return Err(error);
            }
            tracing::warn!(error = error.log_text(), "the work on the storage was interrupted; restarting it");
            (self.progress)(0, "the database does not respond; trying again");
            retry.pause().await;
        }
    }

    /// Works on a connection outside of the pool, so that neither the lock nor the session's settings reach the pool.
    async fn attempt(&mut self, database: &Database) -> Result<usize, Error> {
        let mut conn = session::open(database).await?;
        if self.is_complete(&mut conn).await.map_err(|error| error.explained(&self.target))? {
            return Ok(0);
        }
        let acquired = lock::acquire(&mut conn, lock::MAX_IDLE, &self.progress).await;
        acquired.map_err(|error| error.explained(&self.target))?;
        let outcome = self.complete(&mut conn).await.map_err(|error| error.explained(&self.target));
        let has_failed = outcome.as_ref().is_err_and(|error| error.reason() != Reason::DatabaseUnavailable);
        if has_failed && self.purpose == Purpose::Prepare {
            self.undo(&mut conn).await;
        }
        // If this fails, the lock ends with the session, which ends here.
        let _ = lock::release(&mut conn).await;
        outcome
    }

    /// Does the remaining work, as the only process that works on the storage.
    async fn complete(&mut self, conn: &mut AsyncPgConnection) -> Result<usize, StorageError> {
        if self.is_complete(conn).await? {
            return Ok(0);
        }
        let plan = self.plan(conn).await?;
        let existing = Existing::read(conn, &self.target).await?;
        let not_null = restore::not_null(&self.target, &existing);
        execute::statements(conn, &not_null).await.map_err(|(_, error)| error)?;
        let deferrable = restore::deferrable(&self.target, &existing);
        execute::statements(conn, &deferrable).await.map_err(|(_, error)| error)?;
        let steps = arrange::arrange(plan.steps, &existing, self.base.as_deref(), &self.target);
        self.run_steps(conn, &steps, &existing).await?;
        if let Some(difference) = verify::first_difference(conn, &self.target).await? {
            return Err(StorageError::Explained(Error::new(Reason::StepFailed, difference)));
        }
        record_prepared(conn, self.target.revision, &digest(&self.target)).await?;
        Ok(steps.len())
    }

    /// Plans from the base if its storage is complete, and from nothing otherwise.
    async fn plan(&self, conn: &mut AsyncPgConnection) -> Result<Plan, StorageError> {
        // The database might be restored or new, so the base's storage is verified.
        if let Some(base) = &self.base
            && verify::first_difference(conn, base).await?.is_none()
            // `schema` has planned this before. An error here means that the base is of another incarnation of its database.
            && let Ok(plan) = plan(Some(base), &self.target)
        {
            return Ok(plan);
        }
        plan(None, &self.target).map_err(|diagnostics| StorageError::Explained(not_supported(&diagnostics)))
    }

    async fn run_steps(
        &mut self,
        conn: &mut AsyncPgConnection,
        steps: &[Step],
        existing: &Existing,
    ) -> Result<(), StorageError> {
        let mut first_error = None;
        for (done, step) in steps.iter().enumerate() {
            (self.progress)(done, &step.description);
            self.built.extend(indexes::of_step(step).filter(|index| !existing.has_index(index)));
            match self.run_step(conn, step, existing).await {
                Ok(()) => {}
                Err(error) if self.purpose == Purpose::Repair => first_error = first_error.or(Some(error)),
                Err(error) => return Err(error),
            }
        }
        (self.progress)(steps.len(), "all steps are done");
        first_error.map_or(Ok(()), Err)
    }

    async fn run_step(
        &mut self,
        conn: &mut AsyncPgConnection,
        step: &Step,
        existing: &Existing,
    ) -> Result<(), StorageError> {
        let target = self.target.clone();
        orphaned_references::check_early(conn, &target, step).await?;
        let has_foreign_key = step.statements.iter().any(|statement| match &statement.creates {
            Some(DatabaseObject::ForeignKey(name)) => existing.has_foreign_key(&statement.table, name),
            _ => false,
        });
        if !has_foreign_key && !self.undo.ends_with(&step.undo) {
            self.undo.extend_from_slice(&step.undo);
        }
        match execute::step(conn, step).await {
            Ok(()) => Ok(()),
            Err(error) => Err(orphaned_references::explain(conn, &target, step, error).await),
        }
    }

    /// Drops the new indexes and undoes the started steps: records would have to satisfy them.
    async fn undo(&mut self, conn: &mut AsyncPgConnection) {
        let needed = self.base.as_deref().map(indexes::of_catalog).unwrap_or_default();
        for index in std::mem::take(&mut self.built).difference(&needed) {
            match execute::drop_index(conn, index).await {
                Ok(()) => tracing::info!(schema = index.0, index = index.1, "dropped the index of a failed apply"),
                Err(error) => {
                    tracing::warn!(schema = index.0, index = index.1, %error, "cannot drop the index of a failed apply; drop it");
                }
            }
        }
        for statement in std::mem::take(&mut self.undo) {
            if let Err((_, error)) = execute::statements(conn, std::slice::from_ref(&statement)).await {
                tracing::warn!(sql = statement.sql, %error, "cannot undo a part of a failed apply; run this statement");
            }
        }
    }

    /// Reports whether the storage was completed before and still is.
    async fn is_complete(&self, conn: &mut AsyncPgConnection) -> Result<bool, StorageError> {
        Ok(is_prepared(conn, self.target.revision, &digest(&self.target)).await?
            && verify::first_difference(conn, &self.target).await?.is_none())
    }
}

/// Returns a digest that distinguishes revisions of the same number, after the schema service's database was replaced.
fn digest(catalog: &Catalog) -> Vec<u8> {
    Sha256::digest(&catalog.descriptor_set).to_vec()
}

/// Returns the error for a plan from nothing. Today such a plan always succeeds.
fn not_supported(diagnostics: &[Diagnostic]) -> Error {
    let messages: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
    Error::new(Reason::PlanNotSupported, messages.join("; "))
}
