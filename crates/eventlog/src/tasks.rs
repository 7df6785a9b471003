//! The background tasks of a log.

use crate::log::Log;
use crate::{partitions, reader};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// The shortest and the longest pause between two maintenance runs.
const MAINTENANCE: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(300));

impl Log {
    /// Spawns the tasks that tail the log, exchange notifications with other processes, and maintain partitions, until `stop`.
    pub fn spawn(&self, tasks: &mut JoinSet<()>, stop: &CancellationToken) {
        let (log, end) = (self.clone(), stop.clone());
        tasks.spawn(async move { end.run_until_cancelled(reader::tail_log(log)).await.unwrap_or_default() });
        let (log, end) = (self.clone(), stop.clone());
        tasks.spawn(async move {
            end.run_until_cancelled(log.wake().listen_and_notify(log.database())).await.unwrap_or_default()
        });
        let (log, end) = (self.clone(), stop.clone());
        tasks.spawn(async move { end.run_until_cancelled(log.maintain()).await.unwrap_or_default() });
    }

    /// Creates and drops partitions, permanently.
    async fn maintain(&self) {
        let retention = self.retention();
        let pause = (retention / 60).clamp(MAINTENANCE.0, MAINTENANCE.1);
        loop {
            if let Err(error) =
                partitions::log_partitions(retention).maintain(self.database(), &partitions::Consumers).await
            {
                tracing::warn!(error = error.log_text(), "cannot maintain the event log's partitions; retrying");
            }
            tokio::select! {
                () = sleep(pause.mul_f64(rand::random::<f64>() / 2.0 + 0.75)) => {}
                () = self.maintenance_wanted() => {}
            }
        }
    }
}
