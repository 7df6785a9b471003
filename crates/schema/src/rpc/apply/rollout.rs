//! An apply, from the plan to the moment when everybody serves it.
//!
//! It is a task of its own: the call that began it only watches, so a caller who goes away leaves nothing undecided.
//! Its state is the revision's row. While it lives it renews the row's lease; a process that is killed stops doing so,
//! and the next apply marks the row failed and goes on.

mod follower_wait;
mod record;
mod reports;

use crate::error::{revision_conflict, status};
use crate::proposal::PlannedRevision;
use crate::service::Schema;
use crate::store::followers;
use crate::store::revisions;
use follower_wait::FollowerWait;
use groundplan_chassis::database::refusal;
use groundplan_error::{Error, Reason};
use groundplan_proto::schema::v1::{ApplyPhase, ApplyResponse};
use reports::{StorageProgress, lagging_followers, storage_progress};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::Status;

/// What a watching call gets: progress, and at the end LIVE or an error.
pub(crate) type Update = Result<ApplyResponse, Status>;

/// An apply that is under way.
pub(crate) struct Rollout {
    schema: Schema,
    number: i64,
    steps_total: i32,
    /// When the lease of the revision was last renewed, or a little before.
    renewed: Instant,
    updates: mpsc::Sender<Update>,
    last_sent: Option<ApplyResponse>,
}

/// Begins an apply of what is `planned` on the live revision `base`, and sends what happens.
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

/// Answers an apply of what is the live revision `number` already, once all followers that are alive serve it; an apply
/// before this one may have given up before they did. If there are none, nobody is waited for.
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

/// Sends the last message. The caller may have gone, or may not read: neither may keep the process from stopping.
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

    /// Waits until a follower has made the storage, and then publishes the revision. The database may be away for as long as
    /// the lease lasts: nobody else can have taken over.
    async fn wait_for_storage(&mut self) -> Result<(), Error> {
        let mut reports = self.schema.reported.subscribe();
        let mut follower_wait = FollowerWait::new();
        loop {
            match self.poll_storage(&mut follower_wait).await {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) if is_transient(&error) && self.renewed.elapsed() < self.schema.settings.lease => {
                    tracing::debug!(revision = self.number, error = error.log_text(), "trying again");
                }
                Err(error) => return Err(error),
            }
            self.wait_for_report(&mut reports).await?;
        }
    }

    /// Looks once how far the storage is, publishes the revision if it is made, and renews the lease if it is not. Says
    /// whether the revision is live.
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
                let problem = format!("have not begun with revision {}", self.number);
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

    /// Makes the revision the live one.
    async fn publish(&self) -> Result<(), Error> {
        let number = self.number;
        let published = self.schema.change(async |connection| revisions::publish(connection, number).await);
        if published.await?.map_err(refusal)? { Ok(()) } else { Err(self.lease_lost().await) }
    }

    /// Waits until all followers serve the revision. It is live: while the database is away there is only nothing to see.
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
                    tracing::debug!(revision = self.number, error = error.log_text(), "trying again");
                }
                Err(error) => return Err(error),
            }
            self.wait_for_report(&mut reports).await?;
        }
    }

    /// The followers that count.
    async fn list_alive_followers(&self) -> Result<Vec<followers::Follower>, Error> {
        let window = self.schema.settings.follower_timeout;
        self.schema.query(async |connection| followers::list_alive(connection, window).await).await
    }

    /// Waits for a report to this process, or until it is time to look what was reported to others.
    async fn wait_for_report(&self, reports: &mut watch::Receiver<()>) -> Result<(), Error> {
        tokio::select! {
            () = self.schema.stop.cancelled() => {
                Err(Error::new(Reason::NotReady, "the server stopped during the apply; apply again"))
            }
            _ = reports.changed() => Ok(()),
            () = tokio::time::sleep(self.schema.settings.poll_interval) => Ok(()),
        }
    }

    /// Marks the revision failed. If that fails too, its lease runs out and the next apply does it.
    async fn mark_failed(&self, error: &Error) {
        let (number, failure) = (self.number, error.message().into_owned());
        tracing::warn!(revision = number, error = error.log_text(), "the revision failed");
        let failed = self.schema.change(async |connection| revisions::fail(connection, number, &failure).await);
        if let Err(error) = failed.await.and_then(|failed| failed.map_err(database_error)) {
            tracing::warn!(revision = number, error = error.log_text(), "the revision cannot be marked failed");
        }
    }

    /// Another apply has taken over, because this one did not renew its lease in time.
    async fn lease_lost(&self) -> Error {
        let newest = record::newest_revision(&self.schema).await;
        let message = format!("revision {} lost its lease and another apply took over; apply again", self.number);
        newest.map_or_else(|error| error, |newest| revision_conflict(newest, &message))
    }

    /// Tells the caller, if it has not been told the same already and reads what it is told.
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

/// Says how many followers do not serve the revision yet.
fn waiting_message(lagging: usize, alive: usize) -> String {
    match alive {
        0 | 1 => "waiting for the `records` process to serve the revision".to_owned(),
        _ => format!("waiting for {lagging} of {alive} `records` processes to serve the revision"),
    }
}

/// What it means that no follower is alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WhenNoFollowers {
    /// One is waited for.
    Wait,
    /// There is nobody to wait for.
    Finish,
}

/// Whether the database may be back in a moment: all its connections are busy, or it restarts or fails over.
fn is_transient(error: &Error) -> bool {
    error.reason() == Reason::DatabaseUnavailable
}
