//! Follows the event log of `schema`: prepares the storage of new revisions, serves the live revision, and reports the progress.
//!
//! The served revision remains when the stream breaks and when a revision cannot be loaded.

mod peer;
mod report;
mod revision_changes;
mod withdrawal;

use crate::history;
use crate::served::Served;
use crate::state::Records;
use bytes::Bytes;
use groundplan_chassis::database::Database;
use groundplan_chassis::transport::Transport;
use groundplan_error::{Error, Reason};
use groundplan_eventlog::FollowerUpdate;
use groundplan_model::StorageNames;
use groundplan_model::catalog::Catalog;
use groundplan_proto::eventlog::v1::Event;
use groundplan_proto::schema::v1::{Revision, RevisionState};
use groundplan_storage::Progress;
use peer::Peer;
use report::{Reporter, Reports};
use revision_changes::RevisionChanges;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::Status;

/// The pause before another attempt to serve the live revision after a failure, unless a newer revision follows.
const RETRY: Duration = Duration::from_secs(5);

/// The task that follows `schema`.
pub(crate) struct Follower {
    records: Records,
    schema: Peer,
    reports: Reports,
    /// Becomes true when the live revision is known and served.
    settled: watch::Sender<bool>,
    /// The last prepared revision, so that it is compiled only once.
    prepared: Option<Served>,
    /// The live revision, while it cannot be served.
    failed_live: Option<Revision>,
}

impl Follower {
    pub(crate) fn new(records: Records, schema: Transport, settled: watch::Sender<bool>) -> Self {
        Self {
            records,
            schema: Peer::new(schema),
            reports: Reports::default(),
            settled,
            prepared: None,
            failed_live: None,
        }
    }

    /// Spawns the follower and the reporter, which run until the process stops.
    pub(crate) fn spawn(mut self, tasks: &mut JoinSet<()>, stop: CancellationToken) {
        tasks.spawn(Reporter::new(self.schema.clone(), &self.reports).run(stop.clone()));
        tasks.spawn(async move {
            // The follower can stop at any point.
            let _ = stop.run_until_cancelled_owned(self.follow()).await;
        });
    }

    /// Follows the log and never returns.
    async fn follow(&mut self) {
        let mut log = groundplan_eventlog::Follower::new(self.schema.clone(), "revisions");
        loop {
            let update = tokio::select! {
                update = log.next() => update,
                () = tokio::time::sleep(RETRY), if self.failed_live.is_some() => {
                    if let Some(revision) = self.failed_live.take() {
                        self.handle(revision).await;
                    }
                    continue;
                }
            };
            let outcome = match update {
                FollowerUpdate::Started => self.start().await,
                FollowerUpdate::Events(events) => self.handle_events(&events).await,
            };
            if let Err(error) = outcome {
                tracing::warn!(error = error.log_text(), "the tail of revisions ended; starting again");
                log.restart();
            }
        }
    }

    /// Handles the current revisions: an apply might be waiting for this process.
    async fn start(&mut self) -> Result<(), Error> {
        self.handle_live().await?;
        match self.schema.newest().await.map_err(schema_unavailable)?.first() {
            Some(newest) if newest.state() == RevisionState::Preparing => self.handle_preparing(newest.number).await,
            _ => withdrawal::withdraw(&self.records, &self.schema).await,
        }
    }

    /// Handles changes of revisions.
    async fn handle_events(&mut self, events: &[Event]) -> Result<(), Error> {
        let RevisionChanges { is_live, preparing, has_failed } =
            RevisionChanges::of(events).map_err(Error::internal)?;
        if is_live {
            self.handle_live().await?;
        }
        match preparing {
            Some(number) => self.handle_preparing(number).await,
            // A revision that failed during the preparation of the next one is withdrawn when the next one is live.
            None if has_failed || is_live => withdrawal::withdraw(&self.records, &self.schema).await,
            None => Ok(()),
        }
    }

    /// Serves the live revision, or an empty catalog if there is none.
    async fn handle_live(&mut self) -> Result<(), Error> {
        let live = self.schema.revision(0).await.map_err(schema_unavailable)?;
        self.failed_live = None;
        if let Some(revision) = live {
            self.handle(revision).await;
            return Ok(());
        }
        if self.records.served().is_err() {
            self.records.database().ping().await?;
            self.records.serve(Served::empty()?);
        }
        self.settled.send_replace(true);
        Ok(())
    }

    /// Prepares a revision, unless its preparation has finished. In that case an event follows.
    async fn handle_preparing(&mut self, number: i64) -> Result<(), Error> {
        let revision = self.schema.revision(number).await.map_err(schema_unavailable)?;
        if let Some(revision) = revision.filter(|revision| revision.state() == RevisionState::Preparing) {
            self.handle(revision).await;
        }
        Ok(())
    }

    /// Prepares or serves a revision, by its state. Failures are reported and logged, and the served revision remains.
    async fn handle(&mut self, revision: Revision) {
        let number = revision.number;
        let state = revision.state();
        let outcome = match state {
            RevisionState::Preparing => self.prepare(&revision).await,
            RevisionState::Live => self.serve(&revision).await,
            RevisionState::Failed | RevisionState::Unspecified => return,
        };
        match outcome {
            Ok(()) => {}
            Err(error) => {
                tracing::error!(
                    revision = number,
                    ?state,
                    error = error.log_text(),
                    "cannot prepare or serve a revision"
                );
                self.reports.failed(number, &failure_message(&error));
                // A failed preparation is repeated by another apply.
                if state == RevisionState::Live {
                    self.failed_live = Some(revision);
                }
            }
        }
    }

    /// Completes the storage of a revision and compiles it.
    async fn prepare(&mut self, revision: &Revision) -> Result<(), Error> {
        self.reports.preparing(revision.number, 0, "comparing the revision with the storage");
        let served = compile(revision).await?;
        let (database, base, target, progress) = self.storage_work(&served);
        let steps = groundplan_storage::prepare(database, base, target, progress).await?;
        tracing::info!(revision = revision.number, "the storage is complete");
        self.reports.done(revision.number, steps.max(revision.steps.len()));
        self.prepared = Some(served);
        Ok(())
    }

    /// Serves a live revision, unless it is served already.
    async fn serve(&mut self, revision: &Revision) -> Result<(), Error> {
        let number = revision.number;
        if self.records.served().is_ok_and(|served| is_same(&served, revision)) {
            self.reports.serving(number);
            return Ok(());
        }
        let served = match self.prepared.take() {
            Some(prepared) if is_same(&prepared, revision) => prepared,
            _ => compile(revision).await?,
        };
        let (database, base, target, progress) = self.storage_work(&served);
        match groundplan_storage::repair(database, base, target, progress).await {
            Ok(_) => {}
            Err(error) if error.reason() == Reason::DatabaseUnavailable => return Err(error),
            // One broken table must not affect the other models.
            Err(error) => {
                let error = error.log_text();
                tracing::error!(
                    revision = number,
                    error,
                    "the storage of the live revision is incomplete; serving the revision"
                );
            }
        }
        history::keep(&self.records, &served.catalog).await?;
        self.records.serve(served);
        self.settled.send_replace(true);
        self.reports.serving(number);
        tracing::info!(revision = number, "the revision is served");
        Ok(())
    }

    /// Returns the arguments of the work on a revision's storage, with the progress as reports.
    fn storage_work(&self, served: &Served) -> (Database, Option<Arc<Catalog>>, Arc<Catalog>, Progress) {
        let target = served.catalog.clone();
        let base = self.records.served().ok().map(|served| served.catalog.clone());
        let base = base.filter(|base| base.revision > 0 && base.revision < target.revision);
        let (reports, number) = (self.reports.clone(), target.revision);
        let progress: Progress = Box::new(move |done, message| reports.preparing(number, done, message));
        (self.records.database().clone(), base, target, progress)
    }
}

/// Reports whether a compiled revision is that revision. Numbers are not enough: `schema`'s database might have been restored.
fn is_same(served: &Served, revision: &Revision) -> bool {
    served.revision() == revision.number && served.catalog.descriptor_set == revision.descriptor_set
}

/// Loads and compiles a revision on a thread for blocking work.
async fn compile(revision: &Revision) -> Result<Served, Error> {
    load_on_thread(revision, Served::compile).await
}

/// Loads a revision and runs `work` on it, on a thread for blocking work.
async fn load_on_thread<T: Send + 'static>(
    revision: &Revision,
    work: impl FnOnce(Catalog) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let number = revision.number;
    let descriptors = Bytes::from(revision.descriptor_set.clone());
    let names = revision.storage_names.iter().map(|name| {
        let field = u32::try_from(name.number).map_err(Error::internal)?;
        Ok(((name.message.clone(), field), name.name.clone()))
    });
    let names: StorageNames = names.collect::<Result<StorageNames, Error>>()?;
    let worked = tokio::task::spawn_blocking(move || {
        let catalog = groundplan_model::load(number, descriptors, &names);
        work(catalog.map_err(|error| Error::internal(error.to_string()))?)
    });
    worked.await.map_err(Error::internal)?
}

/// Returns the error of a failed call of `schema`.
fn schema_unavailable(status: Status) -> Error {
    Error::new(Reason::NotReady, "schema did not return the live revision").caused_by(status)
}

/// Returns the message of a failure for the user who applies, who holds the root key.
fn failure_message(error: &Error) -> String {
    match error.reason() {
        Reason::Internal => error.log_text(),
        _ => error.message().into_owned(),
    }
}
