//! Wakes the tail: immediately in this process, by NOTIFY in others.
//!
//! A NOTIFY inside a write's transaction would serialize all commits of the database. It is therefore sent after the commit,
//! on a separate connection, at most once every few milliseconds. Processes that miss it poll.

use groundplan_chassis::database::{Database, Listener};
use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};
use uuid::Uuid;

/// The minimum time between two notifications.
const PAUSE: Duration = Duration::from_millis(5);

/// The pause before listening again after the connection was lost.
const LISTEN_RETRY: Duration = Duration::from_secs(1);

/// How often a tail polls while it cannot listen.
const POLL_WITHOUT_LISTENING: Duration = Duration::from_millis(100);

/// What wakes a process's tail.
#[derive(Debug, Default)]
pub(crate) struct Wake {
    /// Notified of appends of any process.
    appended: Notify,
    /// Notified of appends of this process that other processes must learn of.
    to_notify: Notify,
    is_listening: AtomicBool,
}

impl Wake {
    /// Signals that this process has committed an append.
    pub(crate) fn appended_here(&self) {
        self.appended.notify_one();
        self.to_notify.notify_one();
    }

    /// Waits for an append, or until it is time to poll: after `poll`, or sooner while it cannot listen.
    pub(crate) async fn wait(&self, poll: Duration) {
        let poll = if self.is_listening.load(Ordering::Relaxed) { poll } else { POLL_WITHOUT_LISTENING };
        tokio::select! {
            () = self.appended.notified() => {}
            () = sleep(poll) => {}
        }
    }

    /// Listens for appends of other processes and notifies them, permanently.
    pub(crate) async fn listen_and_notify(&self, database: &Database) {
        let channel = format!("{}_events", database.schema());
        // A process ignores its own notifications.
        let name = Uuid::now_v7().to_string();
        loop {
            match database.listen(&channel).await {
                Ok(listener) => {
                    self.is_listening.store(true, Ordering::Relaxed);
                    // Appends before the LISTEN were not received.
                    self.appended.notify_one();
                    self.relay(listener, &name).await;
                    self.is_listening.store(false, Ordering::Relaxed);
                }
                Err(error) => {
                    tracing::warn!(error = error.log_text(), "cannot listen for notifications; polling the event log")
                }
            }
            sleep(LISTEN_RETRY).await;
        }
    }

    /// Relays notifications in both directions until the connection is lost.
    async fn relay(&self, mut listener: Listener, name: &str) {
        let mut notify_at = Instant::now();
        let mut must_notify = false;
        loop {
            let time_to_notify = async { if must_notify { sleep_until(notify_at).await } else { pending().await } };
            tokio::select! {
                heard = listener.notification() => match heard {
                    Some(sender) if sender == name => {}
                    Some(_) => self.appended.notify_one(),
                    None => return,
                },
                () = self.to_notify.notified(), if !must_notify => must_notify = true,
                () = time_to_notify => {
                    if let Err(error) = listener.notify(name).await {
                        tracing::debug!(error = error.log_text(), "cannot notify other processes; they poll");
                        return;
                    }
                    must_notify = false;
                    notify_at = Instant::now() + PAUSE;
                }
            }
        }
    }
}
