//! Follows the event log of `schema`: makes the storage of a revision that is being prepared, serves the one that is live,
//! and says how far it is.
//!
//! What is served stays served when the stream breaks, and when a revision cannot be loaded.

mod news;
mod peer;
mod report;
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
use news::News;
use peer::Peer;
use report::{Reporter, Reports};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::Status;

/// How long after a failure the live revision is tried again, if nothing newer comes.
const RETRY: Duration = Duration::from_secs(5);

/// The task that follows.
pub(crate) struct Follower {
    records: Records,
    schema: Peer,
    reports: Reports,
    /// Becomes true once it is known what is to be served, and it is served.
    settled: watch::Sender<bool>,
    /// The revision that was prepared last, so that it is compiled once.
    prepared: Option<Served>,
    /// The live revision, while it cannot be served.
    refused: Option<Revision>,
}

impl Follower {
    pub(crate) fn new(records: Records, schema: Transport, settled: watch::Sender<bool>) -> Self {
        Self { records, schema: Peer::new(schema), reports: Reports::default(), settled, prepared: None, refused: None }
    }

    /// Adds what follows, and what reports, until the process stops.
    pub(crate) fn spawn(mut self, tasks: &mut JoinSet<()>, stop: CancellationToken) {
        tasks.spawn(Reporter::new(self.schema.clone(), &self.reports).run(stop.clone()));
        tasks.spawn(async move {
            // Nothing is left over when it stops in the middle.
            let _ = stop.run_until_cancelled_owned(self.follow()).await;
        });
    }

    /// Follows for ever.
    async fn follow(&mut self) {
        let mut log = groundplan_eventlog::Follower::new(self.schema.clone(), "revisions");
        loop {
            let heard = tokio::select! {
                heard = log.next() => heard,
                () = tokio::time::sleep(RETRY), if self.refused.is_some() => {
                    if let Some(revision) = self.refused.take() {
                        self.take_up(revision).await;
                    }
                    continue;
                }
            };
            let outcome = match heard {
                FollowerUpdate::Started => self.settle().await,
                FollowerUpdate::Events(events) => self.hear(&events).await,
            };
            if let Err(error) = outcome {
                tracing::warn!(error = error.log_text(), "the tail of revisions ended; starting again");
                log.restart();
            }
        }
    }

    /// Takes up what is there already: an apply may be waiting for this process.
    async fn settle(&mut self) -> Result<(), Error> {
        self.take_up_live().await?;
        match self.schema.newest().await.map_err(silent)?.first() {
            Some(newest) if newest.state() == RevisionState::Preparing => self.take_up_prepared(newest.number).await,
            _ => withdrawal::withdraw(&self.records, &self.schema).await,
        }
    }

    /// Takes up what has changed.
    async fn hear(&mut self, events: &[Event]) -> Result<(), Error> {
        let News { is_live, preparing, has_failed } = News::of(events).map_err(Error::internal)?;
        if is_live {
            self.take_up_live().await?;
        }
        match preparing {
            Some(number) => self.take_up_prepared(number).await,
            // One that failed while the next was prepared is looked at when that is live.
            None if has_failed || is_live => withdrawal::withdraw(&self.records, &self.schema).await,
            None => Ok(()),
        }
    }

    /// Takes up the live revision, or that there is none.
    async fn take_up_live(&mut self) -> Result<(), Error> {
        let live = self.schema.revision(0).await.map_err(silent)?;
        self.refused = None;
        if let Some(revision) = live {
            self.take_up(revision).await;
            return Ok(());
        }
        if self.records.served().is_err() {
            self.records.database().ping().await?;
            self.records.serve(Served::nothing()?);
        }
        self.settled.send_replace(true);
        Ok(())
    }

    /// Takes up a revision that is being prepared, unless its preparation has ended: then an event says so.
    async fn take_up_prepared(&mut self, number: i64) -> Result<(), Error> {
        let revision = self.schema.revision(number).await.map_err(silent)?;
        if let Some(revision) = revision.filter(|revision| revision.state() == RevisionState::Preparing) {
            self.take_up(revision).await;
        }
        Ok(())
    }

    /// Does what a revision asks for. A failure is reported and logged; what is served stays.
    async fn take_up(&mut self, revision: Revision) {
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
                tracing::error!(revision = number, ?state, error = error.log_text(), "a revision cannot be taken up");
                self.reports.failed(number, &words(&error));
                // One that is only being prepared comes again if it is applied again.
                if state == RevisionState::Live {
                    self.refused = Some(revision);
                }
            }
        }
    }

    /// Makes the storage of a revision, and makes sure that it can be served.
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
            // One spoiled table must not take all models down.
            Err(error) => {
                let error = error.log_text();
                tracing::error!(revision = number, error, "the storage of the live revision is spoiled; it is served");
            }
        }
        history::keep(&self.records, &served.catalog).await?;
        self.records.serve(served);
        self.settled.send_replace(true);
        self.reports.serving(number);
        tracing::info!(revision = number, "the revision is served");
        Ok(())
    }

    /// What is needed to make sure that the storage of a revision is complete, and to report each step.
    fn storage_work(&self, served: &Served) -> (Database, Option<Arc<Catalog>>, Arc<Catalog>, Progress) {
        let target = served.catalog.clone();
        let base = self.records.served().ok().map(|served| served.catalog.clone());
        let base = base.filter(|base| base.revision > 0 && base.revision < target.revision);
        let (reports, number) = (self.reports.clone(), target.revision);
        let progress: Progress = Box::new(move |done, message| reports.preparing(number, done, message));
        (self.records.database().clone(), base, target, progress)
    }
}

/// Whether this is that revision. The number alone does not tell: `schema`'s database may have been restored.
fn is_same(served: &Served, revision: &Revision) -> bool {
    served.revision() == revision.number && served.catalog.descriptor_set == revision.descriptor_set
}

/// Loads and compiles a revision, on a thread that may take its time.
async fn compile(revision: &Revision) -> Result<Served, Error> {
    apart(revision, Served::compile).await
}

/// Loads a revision and works on it, on a thread that may take its time.
async fn apart<T: Send + 'static>(
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

/// The error of a call that `schema` does not answer.
fn silent(status: Status) -> Error {
    Error::new(Reason::NotReady, "schema did not return the live revision").caused_by(status)
}

/// A failure in words for the one who applies, who holds the root key.
fn words(error: &Error) -> String {
    match error.reason() {
        Reason::Internal => error.log_text(),
        _ => error.message().into_owned(),
    }
}
