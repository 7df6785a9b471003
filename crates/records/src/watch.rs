//! The RPCs Watch and WatchMany: a watch from its start to its end. Its changes come from the [`changefeed`](crate::changefeed).

mod begin;
mod initial;
mod start;
mod stream;

pub(crate) use begin::Begin;
pub(crate) use stream::watch;

/// The maximum number of models of one watch.
pub(crate) const MAX_MODELS: usize = 20;
