//! Watches: who follows is told of every change that matters to it, soon, in order, none twice, none left out.
//!
//! One task a process, the [`Hub`], decodes each change once and holds it against the filters of all followers. Followers
//! that ask for the same are one group: they share what is made for them. A follower that begins behind the hub reads the
//! log by itself until it is there ([`stream`]). Nobody waits for a follower: one that does not read is cut off.

mod buffer;
mod catch_up;
mod committed;
mod decoded;
mod event;
mod groups;
mod hub;
mod initial;
mod lens;
mod room;
mod snapshots;
mod stream;
mod subject;

pub(crate) use hub::Hub;
pub(crate) use lens::MAX_STEPS;
pub(crate) use stream::watch;
pub(crate) use subject::{Subject, Watched};

use std::time::Duration;

/// The longest time without an event: a BOOKMARK fills it. A little less than is promised.
pub(crate) const QUIET: Duration = Duration::from_secs(9);

/// The most models of one watch.
pub(crate) const MAX_MODELS: usize = 20;

/// How a watch begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Begin {
    /// With what is committed after the call.
    Now,
    /// With all records that match.
    Initial { allow_scan: bool },
    /// Behind the event that had this token.
    Behind(String),
}
