//! Histories as they were written.

use super::retention_days;
use crate::catalog::History;
use prost_reflect::DynamicMessage;

/// The most days for which past states are kept: ten years.
pub(crate) const MAX_RETENTION_DAYS: u16 = 3_650;
/// For how many days they are kept unless the model says so.
const DEFAULT_RETENTION_DAYS: i32 = 30;

/// A history as it was written, with its default filled in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeclaredHistory {
    pub(crate) retention_days: i32,
}

impl DeclaredHistory {
    /// The history of a model's option, if it has one.
    pub(super) fn read(option: &DynamicMessage) -> Option<Self> {
        let retention_days = retention_days(option, "history")?.unwrap_or(DEFAULT_RETENTION_DAYS);
        Some(Self { retention_days })
    }

    /// `None` if it is out of range.
    pub(crate) fn history(self) -> Option<History> {
        let retention_days = u16::try_from(self.retention_days).ok()?;
        (1..=MAX_RETENTION_DAYS).contains(&retention_days).then_some(History { retention_days })
    }
}
