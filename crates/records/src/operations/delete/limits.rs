//! The limits of one delete.

/// The most records that one delete takes away.
pub(crate) const MAX_DELETED: usize = 10_000;

/// The most references to what goes that one delete clears.
pub(crate) const MAX_CLEARED: usize = 10_000;
