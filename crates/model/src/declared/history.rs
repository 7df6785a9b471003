//! Declarations of history.

use super::retention_days;
use crate::catalog::History;
use prost_reflect::DynamicMessage;

/// The maximum retention of past states in days: ten years.
pub(crate) const MAX_RETENTION_DAYS: u16 = 3_650;
/// The default retention in days.
const DEFAULT_RETENTION_DAYS: i32 = 30;

/// A declared history, with its default filled in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeclaredHistory {
    pub(crate) retention_days: i32,
}

impl DeclaredHistory {
    /// Reads the history of a model's option, if it has one.
    pub(super) fn read(option: &DynamicMessage) -> Option<Self> {
        let retention_days = retention_days(option, "history")?.unwrap_or(DEFAULT_RETENTION_DAYS);
        Some(Self { retention_days })
    }

    /// Returns `None` if the retention is out of range.
    pub(crate) fn history(self) -> Option<History> {
        let retention_days = u16::try_from(self.retention_days).ok()?;
        (1..=MAX_RETENTION_DAYS).contains(&retention_days).then_some(History { retention_days })
    }
}
