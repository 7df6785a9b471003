//! An apply, from the plan to the moment when everybody serves it.
//!
//! It is a task of its own: the call that began it only watches, so a caller who goes away leaves nothing undecided.
//! Its state is the revision's row. While it lives it renews the row's lease; a process that is killed stops doing so,
//! and the next apply marks the row failed and goes on.

mod begin;
mod idle;
mod survey;

use crate::draft::Planned;
use crate::error::{revision_conflict, status};
use crate::service::Schema;
use crate::store::followers;
use crate::store::revisions;
use groundplan_chassis::database::database_error;
use groundplan_error::{Error, Reason};
use groundplan_proto::schema::v1::{ApplyPhase, ApplyResponse};
use idle::Idle;
use survey::{Storage, behind, storage};
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
    told: Option<ApplyResponse>,
}

/// Begins an apply of what is `planned` on the live revision `base`, and sends what happens.
pub(crate) async fn run(schema: Schema, base: i64, planned: Planned, updates: mpsc::Sender<Update>) {
    let steps_total = i32::try_from(planned.plan.steps.len()).unwrap_or(i32::MAX);
    let stop = schema.stop.clone();
    let renewed = Instant::now();
    let outcome = match begin::begin(&schema, base, planned).await {
        Ok(number) => {
            let mut rollout = Rollout { schema, number, steps_total, renewed, updates: updates.clone(), told: None };
            rollout.finish().await
        }
        Err(error) => Err(error),
    };
    end(outcome, &updates, &stop).await;
}

/// Answers an apply of what is the live revision `number` already, once all followers that are alive serve it; an apply
/// before this one may have given up before they did. If there are none, nobody is waited for.
pub(crate) async fn unchanged(schema: Schema, number: i64, updates: mpsc::Sender<Update>) {
    let stop = schema.stop.clone();
    let mut rollout =
        Rollout { schema, number, steps_total: 0, renewed: Instant::now(), updates: updates.clone(), told: None };
    let outcome = rollout.wait_until_served(Nobody::Suffices).await;
    let outcome = outcome.map(|()| ApplyResponse {
        changed: false,
        ..rollout.response(ApplyPhase::Live, 0, "the models are live already")
    });
    end(outcome, &updates, &stop).await;
}

/// Sends the last message. The caller may have gone, or may not read: neither may keep the process from stopping.
async fn end(outcome: Result<ApplyResponse, Error>, updates: &mpsc::Sender<Update>, stop: &CancellationToken) {
    tokio::select! {
        biased;
        _ = updates.send(outcome.map_err(status)) => {}
        () = stop.cancelled() => {}
    }
}

impl Rollout {
    async fn finish(&mut self) -> Result<ApplyResponse, Error> {
        tracing::info!(revision = self.number, "the revision is being prepared");
        self.tell(ApplyPhase::Planned, 0, "the models are checked and the revision is recorded");
        let prepared = self.make_storage().await;
        if let Err(error) = &prepared {
            self.fail(error).await;
        }
        prepared?;
        tracing::info!(revision = self.number, "the revision is live");
        self.wait_until_served(Nobody::IsWaitedFor).await?;
        Ok(self.response(ApplyPhase::Live, self.steps_total, "every `records` process serves the revision"))
    }

    /// Waits until a follower has made the storage, and then publishes the revision. The database may be away for as long as
    /// the lease lasts: nobody else can have taken over.
    async fn make_storage(&mut self) -> Result<(), Error> {
        let mut reports = self.schema.reported.subscribe();
        let mut idle = Idle::new();
        loop {
            match self.look(&mut idle).await {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) if is_transient(&error) && self.renewed.elapsed() < self.schema.settings.lease => {
                    tracing::debug!(revision = self.number, error = error.log_text(), "trying again");
                }
                Err(error) => return Err(error),
            }
            self.wait(&mut reports).await?;
        }
    }

    /// Looks once how far the storage is, publishes the revision if it is made, and renews the lease if it is not. Says
    /// whether the revision is live.
    async fn look(&mut self, idle: &mut Idle) -> Result<bool, Error> {
        let alive = self.alive().await?;
        match storage(&alive, self.number) {
            Storage::Done => return self.publish().await.map(|()| true),
            Storage::Failed(message) => return Err(Error::new(Reason::StepFailed, message)),
            Storage::Working { steps_done, message } => {
                *idle = Idle::new();
                self.tell(ApplyPhase::Storage, steps_done, &message);
            }
            Storage::NotBegun => {
                let all: Vec<&str> = alive.iter().map(|follower| follower.id.as_str()).collect();
                let do_not = format!("have not started with revision {}", self.number);
                idle.check(&self.schema.settings, alive.len(), &all, &do_not)?;
            }
        }
        if self.renewed.elapsed() > self.schema.settings.lease / 6 {
            let (number, lease) = (self.number, self.schema.settings.lease);
            let asked = Instant::now();
            let kept = self.schema.query(async |connection| revisions::renew(connection, number, lease).await);
            if !kept.await? {
                return Err(self.lost().await);
            }
            self.renewed = asked;
        }
        Ok(false)
    }

    /// Makes the revision the live one.
    async fn publish(&self) -> Result<(), Error> {
        let number = self.number;
        let published = self.schema.change(async |connection| revisions::publish(connection, number).await);
        if published.await?.map_err(database_error)? { Ok(()) } else { Err(self.lost().await) }
    }

    /// Waits until all followers serve the revision. It is live: while the database is away there is only nothing to see.
    async fn wait_until_served(&mut self, nobody: Nobody) -> Result<(), Error> {
        let mut reports = self.schema.reported.subscribe();
        let mut idle = Idle::new();
        loop {
            match self.alive().await {
                Ok(alive) => {
                    let behind = behind(&alive, self.number);
                    let serving = alive.len() - behind.len();
                    if behind.is_empty() && (serving > 0 || nobody == Nobody::Suffices) {
                        return Ok(());
                    }
                    let message = waiting(behind.len(), alive.len());
                    self.tell(ApplyPhase::Publishing, self.steps_total, &message);
                    let do_not = format!("do not serve revision {}", self.number);
                    idle.check(&self.schema.settings, alive.len(), &behind, &do_not)?;
                }
                Err(error) if is_transient(&error) && idle.since.elapsed() < self.schema.settings.uptake_timeout => {
                    tracing::debug!(revision = self.number, error = error.log_text(), "trying again");
                }
                Err(error) => return Err(error),
            }
            self.wait(&mut reports).await?;
        }
    }

    /// The followers that count.
    async fn alive(&self) -> Result<Vec<followers::Follower>, Error> {
        let window = self.schema.settings.follower_timeout;
        self.schema.query(async |connection| followers::alive(connection, window).await).await
    }

    /// Waits for a report to this process, or until it is time to look what was reported to others.
    async fn wait(&self, reports: &mut watch::Receiver<()>) -> Result<(), Error> {
        tokio::select! {
            () = self.schema.stop.cancelled() => {
                Err(Error::new(Reason::NotReady, "the server stopped during the apply; apply again"))
            }
            _ = reports.changed() => Ok(()),
            () = tokio::time::sleep(self.schema.settings.poll_interval) => Ok(()),
        }
    }

    /// Marks the revision failed. If that fails too, its lease runs out and the next apply does it.
    async fn fail(&self, error: &Error) {
        let (number, failure) = (self.number, error.message().into_owned());
        tracing::warn!(revision = number, error = error.log_text(), "the revision failed");
        let failed = self.schema.change(async |connection| revisions::fail(connection, number, &failure).await);
        if let Err(error) = failed.await.and_then(|failed| failed.map_err(database_error)) {
            tracing::warn!(revision = number, error = error.log_text(), "the revision cannot be marked failed");
        }
    }

    /// Another apply has taken over, because this one did not renew its lease in time.
    async fn lost(&self) -> Error {
        let newest = begin::newest(&self.schema).await;
        let words = format!("revision {} lost its lease and another apply took over; apply again", self.number);
        newest.map_or_else(|error| error, |newest| revision_conflict(newest, &words))
    }

    /// Tells the caller, if it has not been told the same already and reads what it is told.
    fn tell(&mut self, phase: ApplyPhase, steps_done: i32, message: &str) {
        let response = self.response(phase, steps_done, message);
        if self.told.as_ref() != Some(&response) {
            let _ = self.updates.try_send(Ok(response.clone()));
            self.told = Some(response);
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
fn waiting(behind: usize, alive: usize) -> String {
    match alive {
        0 | 1 => "waiting for the `records` process to serve the revision".to_owned(),
        _ => format!("waiting for {behind} of {alive} `records` processes to serve the revision"),
    }
}

/// What it means that no follower is alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nobody {
    /// One is waited for.
    IsWaitedFor,
    /// There is nobody to wait for.
    Suffices,
}

/// Whether the database may be back in a moment: all its connections are busy, or it restarts or fails over.
fn is_transient(error: &Error) -> bool {
    error.reason() == Reason::DatabaseUnavailable
}
