//! Declarations of soft delete and expiry.

use super::retention_days;
use crate::catalog::{Expiry, SoftDelete};
use prost_reflect::{DynamicMessage, Value};

/// The maximum retention of deleted records in days: ten years.
pub(crate) const MAX_DELETED_DAYS: u16 = 3_650;
/// The default retention in days.
pub(crate) const DEFAULT_DELETED_DAYS: i32 = 30;

/// The maximum default lifetime in seconds: a hundred years of 365 days.
pub(crate) const MAX_TTL_SECONDS: u32 = 100 * 365 * 24 * 60 * 60;

/// A declared soft delete, with its default filled in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeclaredSoftDelete {
    pub(crate) retention_days: i32,
}

impl DeclaredSoftDelete {
    /// Reads the soft delete of a model's option, if it has one.
    pub(super) fn read(option: &DynamicMessage) -> Option<Self> {
        let retention_days = retention_days(option, "soft_delete")?.unwrap_or(DEFAULT_DELETED_DAYS);
        Some(Self { retention_days })
    }

    /// Returns `None` if the retention is out of range.
    pub(crate) fn soft_delete(self) -> Option<SoftDelete> {
        let retention_days = u16::try_from(self.retention_days).ok()?;
        (1..=MAX_DELETED_DAYS).contains(&retention_days).then_some(SoftDelete { retention_days })
    }
}

/// A declared expiry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeclaredExpiry {
    /// Seconds and nanoseconds.
    pub(crate) ttl: Option<(i64, i32)>,
}

impl DeclaredExpiry {
    /// Reads the expiry of a model's option, if it has one.
    pub(super) fn read(option: &DynamicMessage) -> Option<Self> {
        if !option.has_field_by_name("expiry") {
            return None;
        }
        let expiry = option.get_field_by_name("expiry")?;
        let expiry = expiry.as_message()?;
        let ttl = expiry.has_field_by_name("ttl").then(|| expiry.get_field_by_name("ttl")).flatten();
        let ttl = ttl.as_deref().and_then(Value::as_message).map(|ttl| {
            let seconds = ttl.get_field_by_name("seconds").and_then(|seconds| seconds.as_i64());
            let nanos = ttl.get_field_by_name("nanos").and_then(|nanos| nanos.as_i32());
            (seconds.unwrap_or(0), nanos.unwrap_or(0))
        });
        Some(Self { ttl })
    }

    /// Returns `None` if the TTL is not a valid duration above zero. Fractions of microseconds are dropped.
    pub(crate) fn expiry(self) -> Option<Expiry> {
        let Some((seconds, nanos)) = self.ttl else { return Some(Expiry { ttl: None }) };
        let is_duration = (0..1_000_000_000).contains(&nanos) && (0..=i64::from(MAX_TTL_SECONDS)).contains(&seconds);
        let microseconds = seconds.checked_mul(1_000_000)?.checked_add(i64::from(nanos) / 1_000)?;
        (is_duration && microseconds > 0).then_some(Expiry { ttl: Some(microseconds) })
    }
}
