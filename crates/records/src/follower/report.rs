//! Tells `schema` how far this process is, and that it is alive.

use super::peer::Peer;
use groundplan_proto::schema::v1::{Preparation, ReportProgressRequest};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Between two reports when nothing changes. `schema` no longer waits for a process that is silent for longer than 6 s.
const INTERVAL: Duration = Duration::from_secs(1);

/// How long a report may take before it is given up for the next one.
const PATIENCE: Duration = Duration::from_secs(1);

/// How far this process is; a handle, to be written to.
#[derive(Clone, Debug)]
pub(super) struct Reports(Arc<watch::Sender<Report>>);

#[derive(Clone, Debug, Default)]
struct Report {
    serving: i64,
    preparation: Option<Preparation>,
}

impl Default for Reports {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::default()))
    }
}

impl Reports {
    /// Steps of a revision's storage are done, and this is being done now.
    pub(super) fn preparing(&self, revision: i64, steps_done: usize, message: &str) {
        let steps_done = i32::try_from(steps_done).unwrap_or(i32::MAX);
        let preparation = Preparation { revision, steps_done, message: message.to_owned(), ..Preparation::default() };
        self.0.send_modify(|report| report.preparation = Some(preparation));
    }

    /// A revision's storage is complete.
    pub(super) fn done(&self, revision: i64, steps: usize) {
        let steps_done = i32::try_from(steps).unwrap_or(i32::MAX);
        let preparation = Preparation { revision, steps_done, done: true, ..Preparation::default() };
        self.0.send_modify(|report| report.preparation = Some(preparation));
    }

    /// A revision cannot be taken up.
    pub(super) fn failed(&self, revision: i64, why: &str) {
        let preparation = Preparation { revision, failure: why.to_owned(), ..Preparation::default() };
        self.0.send_modify(|report| report.preparation = Some(preparation));
    }

    /// A revision is served.
    pub(super) fn serving(&self, revision: i64) {
        self.0.send_modify(|report| *report = Report { serving: revision, preparation: None });
    }
}

/// The task that sends the reports.
pub(super) struct Reporter {
    schema: Peer,
    reports: watch::Receiver<Report>,
}

impl Reporter {
    pub(super) fn new(schema: Peer, reports: &Reports) -> Self {
        Self { schema, reports: reports.0.subscribe() }
    }

    /// Reports each change at once, and that nothing has changed from time to time, until the process stops or
    /// its follower ends.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let report = self.reports.borrow_and_update().clone();
            self.send(report, false).await;
            tokio::select! {
                () = stop.cancelled() => {}
                changed = self.reports.changed() => if changed.is_err() {
                    // The follower has ended: nothing will ever change.
                    break;
                },
                () = tokio::time::sleep(INTERVAL) => {}
            }
        }
        let report = self.reports.borrow().clone();
        self.send(report, true).await;
    }

    async fn send(&self, report: Report, leaving: bool) {
        let Report { serving, preparation } = report;
        let report = ReportProgressRequest { serving, preparation, leaving, ..ReportProgressRequest::default() };
        match tokio::time::timeout(PATIENCE, self.schema.report(report)).await {
            Ok(Ok(())) => {}
            Ok(Err(status)) => tracing::debug!(%status, "a report is not taken; the next one follows"),
            Err(_) => tracing::debug!("a report takes too long; the next one follows"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use groundplan_chassis::transport;

    #[tokio::test]
    async fn it_ends_with_the_follower() {
        let reports = Reports::default();
        let reporter = Reporter::new(Peer::new(transport::local(axum::Router::new())), &reports);
        drop(reports);
        let run = tokio::spawn(reporter.run(CancellationToken::new()));
        tokio::time::timeout(Duration::from_secs(10), run).await.unwrap().unwrap();
    }
}
