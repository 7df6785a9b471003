//! Waking the tail: in this process at once, in others by NOTIFY.
//!
//! A NOTIFY inside a write's transaction would make all commits of the database wait for each other, so it is sent after the
//! commit, on a connection of its own, and at most once every few milliseconds. Who misses it polls.

use groundplan_chassis::database::{Database, Listener};
use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};
use uuid::Uuid;

/// Between two notifications.
const PAUSE: Duration = Duration::from_millis(5);

/// Before listening again after the connection was lost.
const LISTEN_RETRY: Duration = Duration::from_secs(1);

/// How often a tail that does not listen looks for appends.
const POLL_WITHOUT_LISTENING: Duration = Duration::from_millis(100);

/// What wakes a process's tail.
#[derive(Debug, Default)]
pub(crate) struct Wake {
    /// Something was appended, here or elsewhere.
    appended: Notify,
    /// Something was appended here: others do not know yet.
    to_notify: Notify,
    is_listening: AtomicBool,
}

impl Wake {
    /// Something was committed by this process.
    pub(crate) fn appended_here(&self) {
        self.appended.notify_one();
        self.to_notify.notify_one();
    }

    /// Waits until something was appended, or it is time to look whether something was: while it is_listening, after `poll`.
    pub(crate) async fn wait(&self, poll: Duration) {
        let poll = if self.is_listening.load(Ordering::Relaxed) { poll } else { POLL_WITHOUT_LISTENING };
        tokio::select! {
            () = self.appended.notified() => {}
            () = sleep(poll) => {}
        }
    }

    /// Listens, and tells, for as long as the process lives.
    pub(crate) async fn listen_and_notify(&self, database: &Database) {
        let channel = format!("{}_events", database.schema());
        // Whoever hears itself need not wake up.
        let name = Uuid::now_v7().to_string();
        loop {
            match database.listen(&channel).await {
                Ok(listener) => {
                    self.is_listening.store(true, Ordering::Relaxed);
                    // What was appended before is not heard any more.
                    self.appended.notify_one();
                    self.relay(listener, &name).await;
                    self.is_listening.store(false, Ordering::Relaxed);
                }
                Err(error) => {
                    tracing::warn!(error = error.log_text(), "the event log is polled: nothing can be listened to")
                }
            }
            sleep(LISTEN_RETRY).await;
        }
    }

    /// Passes notifications on, in both directions, until the connection is lost.
    async fn relay(&self, mut listener: Listener, name: &str) {
        let mut notify_at = Instant::now();
        let mut must_notify = false;
        loop {
            let time_to_notify = async { if must_notify { sleep_until(notify_at).await } else { pending().await } };
            tokio::select! {
                heard = listener.heard() => match heard {
                    Some(who) if who == name => {}
                    Some(_) => self.appended.notify_one(),
                    None => return,
                },
                () = self.to_notify.notified(), if !must_notify => must_notify = true,
                () = time_to_notify => {
                    if let Err(error) = listener.notify(name).await {
                        tracing::debug!(error = error.log_text(), "other processes cannot be told; they poll");
                        return;
                    }
                    must_notify = false;
                    notify_at = Instant::now() + PAUSE;
                }
            }
        }
    }
}
