//! An apply, from the plan until all `records` processes serve the revision.
//!
//! It runs in its own task, so it completes even if the caller disconnects. Its state is the row of the revision. It
//! renews the row's lease; if the process is killed, the lease expires, and the next apply marks the row failed and
//! continues.

mod follower_wait;
mod record;
mod reports;

use crate::error::{revision_conflict, status};
use crate::proposal::PlannedRevision;
use crate::service::Schema;
use crate::store::followers;
use crate::store::revisions;
use follower_wait::FollowerWait;
use groundplan_chassis::database::database_error;
use groundplan_error::{Error, Reason};
use groundplan_proto::schema::v1::{ApplyPhase, ApplyResponse};
use reports::{StorageProgress, lagging_followers, storage_progress};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::Status;

/// A message of the stream: progress, and at the end LIVE or an error.
pub(crate) type Update = Result<ApplyResponse, Status>;

/// An apply in progress.
pub(crate) struct Rollout {
    schema: Schema,
    number: i64,
    steps_total: i32,
    /// The time of the last renewal of the lease, or slightly before it.
    renewed: Instant,
    updates: mpsc::Sender<Update>,
    last_sent: Option<ApplyResponse>,
}

/// Applies a planned revision on top of the live revision `base`, and sends its progress.
pub(super) async fn run(schema: Schema, base: i64, planned: PlannedRevision, updates: mpsc::Sender<Update>) {
    let steps_total = i32::try_from(planned.plan.steps.len()).unwrap_or(i32::MAX);
    let stop = schema.stop.clone();
    let renewed = Instant::now();
    let outcome = match record::record_revision(&schema, base, planned).await {
        Ok(number) => {
            let mut rollout =
                Rollout { schema, number, steps_total, renewed, updates: updates.clone(), last_sent: None };
            rollout.roll_out().await
        }
        Err(error) => Err(error),
    };
    send_outcome(outcome, &updates, &stop).await;
}

/// Responds to an apply of the live models: waits until all live followers serve the revision, in case an earlier apply
/// timed out. Does not wait if no follower is alive.
pub(super) async fn confirm_unchanged(schema: Schema, number: i64, updates: mpsc::Sender<Update>) {
    let stop = schema.stop.clone();
    let mut rollout =
        Rollout { schema, number, steps_total: 0, renewed: Instant::now(), updates: updates.clone(), last_sent: None };
    let outcome = rollout.wait_until_served(WhenNoFollowers::Finish).await;
    let outcome = outcome.map(|()| ApplyResponse {
        changed: false,
        ..rollout.response(ApplyPhase::Live, 0, "the models are live already")
    });
    send_outcome(outcome, &updates, &stop).await;
}

/// Sends the last message. A caller that disconnected or does not read must not prevent the process from stopping.
async fn send_outcome(outcome: Result<ApplyResponse, Error>, updates: &mpsc::Sender<Update>, stop: &CancellationToken) {
    tokio::select! {
        biased;
        _ = updates.send(outcome.map_err(status)) => {}
        () = stop.cancelled() => {}
    }
}

impl Rollout {
    async fn roll_out(&mut self) -> Result<ApplyResponse, Error> {
        tracing::info!(revision = self.number, "the revision is being prepared");
        self.send_progress(ApplyPhase::Planned, 0, "the models are checked and the revision is recorded");
        let prepared = self.wait_for_storage().await;
        if let Err(error) = &prepared {
            self.mark_failed(error).await;
        }
        prepared?;
        tracing::info!(revision = self.number, "the revision is live");
        self.wait_until_served(WhenNoFollowers::Wait).await?;
        Ok(self.response(ApplyPhase::Live, self.steps_total, "every `records` process serves the revision"))
    }

    /// Waits until a follower has created the storage, and then publishes the revision. The database can be unavailable
    /// until the lease expires, because no other apply can take over before.
    async fn wait_for_storage(&mut self) -> Result<(), Error> {
        let mut reports = self.schema.reported.subscribe();
        let mut follower_wait = FollowerWait::new();
        loop {
            match self.poll_storage(&mut follower_wait).await {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) if is_transient(&error) && self.renewed.elapsed() < self.schema.settings.lease => {
                    tracing::debug!(revision = self.number, error = error.log_text(), "retrying");
                }
                Err(error) => return Err(error),
            }
            self.wait_for_report(&mut reports).await?;
        }
    }

    /// Reads the progress once, publishes the revision if its storage is complete, and renews the lease otherwise.
    /// Returns whether the revision is live.
    async fn poll_storage(&mut self, follower_wait: &mut FollowerWait) -> Result<bool, Error> {
        let alive = self.list_alive_followers().await?;
        match storage_progress(&alive, self.number) {
            StorageProgress::Done => return self.publish().await.map(|()| true),
            StorageProgress::Failed(message) => return Err(Error::new(Reason::StepFailed, message)),
            StorageProgress::Working { steps_done, message } => {
                *follower_wait = FollowerWait::new();
                self.send_progress(ApplyPhase::Storage, steps_done, &message);
            }
            StorageProgress::NotStarted => {
                let ids: Vec<&str> = alive.iter().map(|follower| follower.id.as_str()).collect();
                let problem = format!("have not started revision {}", self.number);
                follower_wait.check(&self.schema.settings, alive.len(), &ids, &problem)?;
            }
        }
        if self.renewed.elapsed() > self.schema.settings.lease / 6 {
            let (number, lease) = (self.number, self.schema.settings.lease);
            let requested = Instant::now();
            let renewed = self.schema.query(async |connection| revisions::renew(connection, number, lease).await);
            if !renewed.await? {
                return Err(self.lease_lost().await);
            }
            self.renewed = requested;
        }
        Ok(false)
    }

    /// Makes the revision live.
    async fn publish(&self) -> Result<(), Error> {
        let number = self.number;
        let published = self.schema.change(async |connection| revisions::publish(connection, number).await);
        if published.await?.map_err(database_error)? { Ok(()) } else { Err(self.lease_lost().await) }
    }

    /// Waits until all followers serve the revision. It is live already, so an unavailable database only delays the
    /// progress messages.
    async fn wait_until_served(&mut self, when_no_followers: WhenNoFollowers) -> Result<(), Error> {
        let mut reports = self.schema.reported.subscribe();
        let mut follower_wait = FollowerWait::new();
        loop {
            match self.list_alive_followers().await {
                Ok(alive) => {
                    let lagging = lagging_followers(&alive, self.number);
                    let serving = alive.len() - lagging.len();
                    if lagging.is_empty() && (serving > 0 || when_no_followers == WhenNoFollowers::Finish) {
                        return Ok(());
                    }
                    let message = waiting_message(lagging.len(), alive.len());
                    self.send_progress(ApplyPhase::Publishing, self.steps_total, &message);
                    let problem = format!("do not serve revision {}", self.number);
                    follower_wait.check(&self.schema.settings, alive.len(), &lagging, &problem)?;
                }
                Err(error)
                    if is_transient(&error) && follower_wait.since.elapsed() < self.schema.settings.uptake_timeout =>
                {
                    tracing::debug!(revision = self.number, error = error.log_text(), "retrying");
                }
                Err(error) => return Err(error),
            }
            self.wait_for_report(&mut reports).await?;
        }
    }

    /// Lists the followers that are alive.
    async fn list_alive_followers(&self) -> Result<Vec<followers::Follower>, Error> {
        let window = self.schema.settings.follower_timeout;
        self.schema.query(async |connection| followers::list_alive(connection, window).await).await
    }

    /// Waits for a report to this process, or until it is time to read the reports that other processes received.
    async fn wait_for_report(&self, reports: &mut watch::Receiver<()>) -> Result<(), Error> {
        tokio::select! {
            () = self.schema.stop.cancelled() => {
                Err(Error::new(Reason::NotReady, "the server stopped during the apply; apply again"))
            }
            _ = reports.changed() => Ok(()),
            () = tokio::time::sleep(self.schema.settings.poll_interval) => Ok(()),
        }
    }

    /// Marks the revision failed. If that fails too, the lease expires and the next apply does it.
    async fn mark_failed(&self, error: &Error) {
        let (number, failure) = (self.number, error.message().into_owned());
        tracing::warn!(revision = number, error = error.log_text(), "the revision failed");
        let failed = self.schema.change(async |connection| revisions::fail(connection, number, &failure).await);
        if let Err(error) = failed.await.and_then(|failed| failed.map_err(database_error)) {
            tracing::warn!(revision = number, error = error.log_text(), "the revision cannot be marked failed");
        }
    }

    /// Returns the error for a lost lease: another apply took over because this one did not renew its lease in time.
    async fn lease_lost(&self) -> Error {
        let newest = record::newest_revision(&self.schema).await;
        let message = format!("revision {} lost its lease and another apply took over; apply again", self.number);
        newest.map_or_else(|error| error, |newest| revision_conflict(newest, &message))
    }

    /// Sends progress to the caller, unless it repeats the last message or the caller does not read.
    fn send_progress(&mut self, phase: ApplyPhase, steps_done: i32, message: &str) {
        let response = self.response(phase, steps_done, message);
        if self.last_sent.as_ref() != Some(&response) {
            let _ = self.updates.try_send(Ok(response.clone()));
            self.last_sent = Some(response);
        }
    }

    fn response(&self, phase: ApplyPhase, steps_done: i32, message: &str) -> ApplyResponse {
        ApplyResponse {
            phase: phase.into(),
            revision: self.number,
            steps_done: steps_done.clamp(0, self.steps_total),
            steps_total: self.steps_total,
            message: message.to_owned(),
            changed: phase == ApplyPhase::Live,
        }
    }
}

/// Returns a message with the number of followers that do not serve the revision yet.
fn waiting_message(lagging: usize, alive: usize) -> String {
    match alive {
        0 | 1 => "waiting for the `records` process to serve the revision".to_owned(),
        _ => format!("waiting for {lagging} of {alive} `records` processes to serve the revision"),
    }
}

/// What an apply does when no follower is alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WhenNoFollowers {
    /// Wait for a follower.
    Wait,
    /// Finish without waiting.
    Finish,
}

/// Returns whether the database might be available again soon: all connections are in use, or it restarts or fails
/// over.
fn is_transient(error: &Error) -> bool {
    error.reason() == Reason::DatabaseUnavailable
}
