//! The stream of `Tail` methods.

use crate::log::log_replaced;
use crate::{Event, Log};
use async_stream::try_stream;
use futures_util::Stream;
use groundplan_error::{Error, Reason};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// The longest time without a message.
const QUIET: Duration = Duration::from_secs(10);

/// Events in order, and the token that resumes after them.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    pub events: Vec<Arc<Event>>,
    pub token: String,
}

/// Follows a log after a token, or from now on. The first batch has no events; its token is the start. The stream ends only
/// with an error.
pub fn follow(
    log: Log,
    origin: &'static [u8],
    token: String,
    stop: CancellationToken,
) -> impl Stream<Item = Result<Batch, Error>> + Send {
    try_stream! {
        let mut progress = log.watch();
        let began = log.ready().await?;
        let mut at = if token.is_empty() { began.at } else { log.open_token(origin, &token).await? };
        let token = |at| log.seal_token_of_epoch(began.server.epoch, origin, at);
        yield Batch { events: Vec::new(), token: token(at)? };
        loop {
            progress.borrow_and_update();
            let events = log.read(at.cursor).await?;
            // The read might have crossed a restart of the log.
            if !began.is_same_log(log.progress()) {
                Err(log_replaced())?;
            }
            if let Some(last) = events.last() {
                at = last.resume_point();
                yield Batch { token: token(at)?, events };
                continue;
            }
            let is_quiet = tokio::select! {
                _ = progress.changed() => false,
                () = sleep(QUIET) => true,
                () = stop.cancelled() => false,
            };
            if stop.is_cancelled() {
                Err(Error::new(Reason::NotReady, "the server is stopping; follow again"))?;
            }
            if is_quiet {
                yield Batch { events: Vec::new(), token: token(at)? };
            }
        }
    }
}
