//! NOTIFY and LISTEN on a separate connection, between processes.

use super::Database;
use futures_util::stream::{Stream, StreamExt as _, poll_fn};
use groundplan_error::{Error, Reason};
use tokio::sync::mpsc;
use tokio_postgres::{AsyncMessage, Client};

/// The number of queued notifications. They only signal that something has happened, so further ones can be dropped.
const QUEUED_NOTIFICATIONS: usize = 16;

/// A connection that listens to a channel, and can notify it.
pub struct Listener {
    client: Client,
    channel: String,
    notifications: mpsc::Receiver<String>,
}

impl Database {
    /// Opens a connection that listens to a channel. Through a pooler without sessions (PgBouncer in transaction mode) no
    /// notification arrives.
    pub async fn listen(&self, channel: &str) -> Result<Listener, Error> {
        let (client, mut connection) = self.target.connect_raw().await?;
        let (sender, notifications) = mpsc::channel(QUEUED_NOTIFICATIONS);
        let mut messages = Box::pin(poll_fn(move |context| connection.poll_message(context)));
        tokio::spawn(async move { forward_notifications(&mut messages, sender).await });
        client
            .batch_execute(&format!("LISTEN {}", quote_identifier(channel)))
            .await
            .map_err(|error| connection_lost().caused_by(error))?;
        Ok(Listener { client, channel: channel.to_owned(), notifications })
    }
}

impl Listener {
    /// Waits for a notification and returns its payload; none if the connection has ended.
    pub async fn notification(&mut self) -> Option<String> {
        self.notifications.recv().await
    }

    /// Notifies all listeners of the channel, including this one.
    pub async fn notify(&self, payload: &str) -> Result<(), Error> {
        let notified = self.client.execute("SELECT pg_notify($1, $2)", &[&self.channel, &payload]).await;
        notified.map(drop).map_err(|error| connection_lost().caused_by(error))
    }
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Listener").field("channel", &self.channel).finish_non_exhaustive()
    }
}

/// Drives the connection until it ends, or the listener is dropped.
async fn forward_notifications<S>(messages: &mut S, sender: mpsc::Sender<String>)
where
    S: Stream<Item = Result<AsyncMessage, tokio_postgres::Error>> + Unpin,
{
    while let Some(message) = messages.next().await {
        match message {
            Ok(AsyncMessage::Notification(notification)) => {
                if let Err(mpsc::error::TrySendError::Closed(_)) = sender.try_send(notification.payload().to_owned()) {
                    return;
                }
            }
            Ok(_) => {}
            Err(error) => {
                tracing::debug!(%error, "a listening connection is lost");
                return;
            }
        }
    }
}

fn quote_identifier(channel: &str) -> String {
    format!("\"{}\"", channel.replace('"', "\"\""))
}

fn connection_lost() -> Error {
    Error::new(Reason::DatabaseUnavailable, "the database does not respond; try again")
}
