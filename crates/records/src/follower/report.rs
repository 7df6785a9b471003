//! Reports the progress of this process to `schema`, also as a heartbeat.

use super::peer::Peer;
use groundplan_proto::schema::v1::{Preparation, ReportProgressRequest};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The pause between two reports without changes. `schema` does not wait for processes that did not report for 6 s.
const INTERVAL: Duration = Duration::from_secs(1);

/// The timeout of a report, after which the next one follows.
const TIMEOUT: Duration = Duration::from_secs(1);

/// A handle to set the progress of this process.
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
    /// Sets the number of finished steps and the current one of a revision's storage.
    pub(super) fn preparing(&self, revision: i64, steps_done: usize, message: &str) {
        let steps_done = i32::try_from(steps_done).unwrap_or(i32::MAX);
        let preparation = Preparation { revision, steps_done, message: message.to_owned(), ..Preparation::default() };
        self.0.send_modify(|report| report.preparation = Some(preparation));
    }

    /// Sets that a revision's storage is complete.
    pub(super) fn done(&self, revision: i64, steps: usize) {
        let steps_done = i32::try_from(steps).unwrap_or(i32::MAX);
        let preparation = Preparation { revision, steps_done, done: true, ..Preparation::default() };
        self.0.send_modify(|report| report.preparation = Some(preparation));
    }

    /// Sets that a revision cannot be prepared or served.
    pub(super) fn failed(&self, revision: i64, failure: &str) {
        let preparation = Preparation { revision, failure: failure.to_owned(), ..Preparation::default() };
        self.0.send_modify(|report| report.preparation = Some(preparation));
    }

    /// Sets the served revision.
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

    /// Reports each change immediately, and the same state again after each interval, until the process or its follower stops.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let report = self.reports.borrow_and_update().clone();
            self.send(report, false).await;
            tokio::select! {
                () = stop.cancelled() => {}
                changed = self.reports.changed() => if changed.is_err() {
                    // The follower stopped: there are no more changes.
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
        match tokio::time::timeout(TIMEOUT, self.schema.report(report)).await {
            Ok(Ok(())) => {}
            Ok(Err(status)) => tracing::debug!(%status, "a report failed; the next one follows"),
            Err(_) => tracing::debug!("a report timed out; the next one follows"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use groundplan_chassis::transport;

    #[tokio::test]
    async fn reporter_stops_with_the_follower() {
        let reports = Reports::default();
        let reporter = Reporter::new(Peer::new(transport::local(axum::Router::new())), &reports);
        drop(reports);
        let run = tokio::spawn(reporter.run(CancellationToken::new()));
        tokio::time::timeout(Duration::from_secs(10), run).await.unwrap().unwrap();
    }
}
