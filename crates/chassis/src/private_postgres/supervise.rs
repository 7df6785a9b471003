//! Supervises a running server, which might be killed, by the kernel if memory is short, or by a user.

use super::cluster::Cluster;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// The interval of the checks.
const INTERVAL: Duration = Duration::from_secs(1);

/// The longest pause between two attempts to start it.
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// Restarts the server when it dies, until `stop`.
pub(super) async fn supervise(cluster: &Cluster, stop: &CancellationToken) {
    while pause(INTERVAL, stop).await {
        if !cluster.is_running().await {
            restart_until_running(cluster, stop).await;
        }
    }
}

/// Starts a server that has died, with as many attempts as necessary.
async fn restart_until_running(cluster: &Cluster, stop: &CancellationToken) {
    let died = Instant::now();
    let log = cluster.log().display().to_string();
    tracing::error!(log, "the private PostgreSQL has died; restarting it, and calls fail until it runs");
    let mut next = INTERVAL;
    // `stop` might have come during the check: a server that was stopped on purpose must not be started.
    while !stop.is_cancelled() {
        match cluster.restart().await {
            Ok(()) => {
                tracing::info!(after = ?died.elapsed(), "the private PostgreSQL runs again; committed data is kept");
                return;
            }
            Err(error) => {
                tracing::error!(error = error.log_text(), again_in = ?next, "the private PostgreSQL cannot be restarted");
            }
        }
        // Another process might have started it, or the check was too early.
        if !pause(next, stop).await || cluster.is_running().await {
            return;
        }
        next = next_pause(next);
    }
}

/// Returns the next pause.
fn next_pause(pause: Duration) -> Duration {
    (pause * 2).min(MAX_PAUSE)
}

/// Waits; returns false after `stop`.
async fn pause(duration: Duration, stop: &CancellationToken) -> bool {
    tokio::select! {
        () = stop.cancelled() => false,
        () = sleep(duration) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::{INTERVAL, MAX_PAUSE, next_pause};

    #[test]
    fn pauses_grow_to_a_limit() {
        let mut pause = INTERVAL;
        for _ in 0..10 {
            let next = next_pause(pause);
            assert!(next > pause || next == MAX_PAUSE);
            pause = next;
        }
        assert_eq!(pause, MAX_PAUSE);
    }
}
