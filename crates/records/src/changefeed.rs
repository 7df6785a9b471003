//! Delivers the changes of records to watchers: each watcher gets every change that matches its subscription, in order, exactly
//! once.
//!
//! The [`Hub`], one task for each process, decodes each change once and compares it with the filters of all watchers. Watchers
//! with the same subscription form a group and share its events. A watcher with a token older than the hub's position reads the
//! log until it reaches the hub ([`CatchUp`]). The hub waits for no watcher: it disconnects those that read too slowly.

mod buffer;
mod catch_up;
mod committed;
mod compare;
mod compiled_subscription;
mod context;
mod decoded;
mod delivery;
mod event;
mod groups;
mod hub;
mod live;
mod memory;
mod snapshots;
mod subscription;

pub(crate) use catch_up::CatchUp;
pub(crate) use committed::Committed;
pub(crate) use compare::MAX_STEPS;
pub(crate) use compiled_subscription::{CompiledModel, CompiledSubscription};
pub(crate) use context::Context;
pub(crate) use event::{mark, shown};
pub(crate) use hub::{Counted, Hub};
pub(crate) use live::live;
pub(crate) use memory::hold_when_free;
pub(crate) use snapshots::Snapshots;
pub(crate) use subscription::{SubscribedModel, Subscription};

use std::time::Duration;

/// The maximum time without an event, slightly less than documented. A BOOKMARK follows when it has passed.
pub(crate) const QUIET: Duration = Duration::from_secs(9);
