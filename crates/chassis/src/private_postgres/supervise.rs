//! Looking after a running server: it may be killed, by the kernel when memory is short, or by somebody.

use super::cluster::Cluster;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// How often we look.
const INTERVAL: Duration = Duration::from_secs(1);

/// The longest pause between two attempts to start it.
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// Starts the server again whenever it has died, until `stop`.
pub(super) async fn supervise(cluster: &Cluster, stop: &CancellationToken) {
    while pause(INTERVAL, stop).await {
        if !cluster.is_running().await {
            restart_until_running(cluster, stop).await;
        }
    }
}

/// Starts a server that has died, as often as it takes.
async fn restart_until_running(cluster: &Cluster, stop: &CancellationToken) {
    let died = Instant::now();
    let log = cluster.log().display().to_string();
    tracing::error!(log, "the private PostgreSQL has died; starting it again, and calls fail until it runs");
    let mut next = INTERVAL;
    // The wish to stop may have come while we looked: what has been stopped on purpose stays so.
    while !stop.is_cancelled() {
        match cluster.restart().await {
            Ok(()) => {
                tracing::info!(after = ?died.elapsed(), "the private PostgreSQL runs again; what was answered is kept");
                return;
            }
            Err(error) => {
                tracing::error!(error = error.log_text(), again_in = ?next, "the private PostgreSQL is still gone");
            }
        }
        // Somebody else may have started it, or it was slow to tell.
        if !pause(next, stop).await || cluster.is_running().await {
            return;
        }
        next = next_pause(next);
    }
}

/// The pause after a pause.
fn next_pause(pause: Duration) -> Duration {
    (pause * 2).min(MAX_PAUSE)
}

/// Waits; false if it is time to stop.
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
    fn pauses_grow_to_a_bound() {
        let mut pause = INTERVAL;
        for _ in 0..10 {
            let next = next_pause(pause);
            assert!(next > pause || next == MAX_PAUSE);
            pause = next;
        }
        assert_eq!(pause, MAX_PAUSE);
    }
}
