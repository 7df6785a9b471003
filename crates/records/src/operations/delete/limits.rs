//! The limits of one delete.

/// The most records that one delete removes.
pub(crate) const MAX_DELETED: usize = 10_000;

/// The most references to deleted records that one delete clears.
pub(crate) const MAX_CLEARED: usize = 10_000;
