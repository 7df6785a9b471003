//! A follower that is behind the hub reads the log by itself, as fast as it can take what it reads.

use super::buffer::End;
use super::event::Delivery;
use super::lens::Lens;
use super::snapshots::Snapshots;
use super::stream::stopping;
use crate::change::Change;
use crate::service::Records;
use groundplan_error::Error;
use groundplan_eventlog::{Cursor, Progress};
use std::sync::Arc;

/// A follower on its way to the hub.
pub(super) struct CatchUp {
    pub(super) records: Records,
    pub(super) lens: Arc<Lens>,
    /// The log as it was when the watch began.
    pub(super) began: Progress,
    /// Everything up to here was seen.
    pub(super) cursor: Cursor,
    /// Whether that is the end of a transaction: a large one comes in several steps.
    pub(super) is_whole: bool,
    /// What was seen by reading records.
    pub(super) snapshots: Snapshots,
    /// Whether a token would resume the watch. Before it has seen everything that its snapshots have, it would not.
    pub(super) has_tokens: bool,
}

impl CatchUp {
    /// Reads on; none if it is where the log is.
    pub(super) async fn step(&mut self) -> Result<Option<Vec<Delivery>>, Error> {
        self.check()?;
        let events = self.records.log().read(self.cursor).await?;
        let Some(last) = events.last() else { return Ok(None) };
        let (at, is_whole) = (last.at, last.is_last);
        self.renew()?;
        let mut deliveries = Vec::new();
        for event in events.iter().filter(|event| event.tenant == self.lens.subject.tenant) {
            let Some(table) = self.lens.table(&event.topic) else { continue };
            if self.snapshots.contain(event) {
                continue;
            }
            let change = Change::read(table, event)?;
            let mut delivery = self.lens.look(self.records.log(), event, &change)?;
            if !self.has_tokens
                && let Some(event) = delivery.as_mut().and_then(|delivery| Arc::get_mut(&mut delivery.event))
            {
                event.token.clear();
            }
            deliveries.extend(delivery);
        }
        (self.cursor, self.is_whole) = (at, is_whole);
        Ok(Some(deliveries))
    }

    /// Whether everything that the snapshots have seen is behind the follower, so that a token says all.
    pub(super) fn has_passed_snapshots(&self) -> bool {
        self.is_whole && self.snapshots.are_passed(self.cursor.position)
    }

    /// Refuses to go on in another log, or while the server stops.
    fn check(&self) -> Result<(), Error> {
        if self.records.stop().is_cancelled() {
            return Err(stopping());
        }
        if !self.began.is_same_log(self.records.log().progress()) {
            return Err(End::Gone.to_error());
        }
        Ok(())
    }

    /// Goes on with the revision that is served.
    fn renew(&mut self) -> Result<(), Error> {
        let served = self.records.served()?;
        if !Arc::ptr_eq(&self.lens.served, &served) {
            self.lens = Arc::new(Lens::compile(&served, &self.lens.subject)?);
        }
        Ok(())
    }
}
