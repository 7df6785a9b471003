//! A watch with scripted events.

use futures_util::stream::{self, StreamExt as _};
use groundplan_error::{Error, Reason};
use groundplan_operations::{WatchEvent, WatchStream};
use std::sync::Arc;

/// The events of every watch, and its end.
#[derive(Clone, Default)]
pub(crate) struct Script {
    pub(crate) refused: Option<(Reason, &'static str)>,
    pub(crate) events: Vec<Arc<WatchEvent>>,
    /// The error after the events.
    pub(crate) failed: Option<(Reason, &'static str)>,
    /// Held by every open watch. Without an error, the script does not end.
    pub(crate) follower: Option<Arc<()>>,
}

impl Script {
    pub(super) fn play(self) -> Result<WatchStream, Error> {
        let error = |(reason, words)| Error::new(reason, words);
        if let Some(refused) = self.refused {
            return Err(error(refused));
        }
        let events = stream::iter(self.events.into_iter().map(Ok));
        let end = stream::iter(self.failed.map(|failed| Err(error(failed))));
        let Some(follower) = self.follower else { return Ok(events.chain(end).boxed()) };
        let pending = stream::pending().map(move |never| {
            drop(Arc::clone(&follower));
            never
        });
        Ok(events.chain(end).chain(pending).boxed())
    }
}
