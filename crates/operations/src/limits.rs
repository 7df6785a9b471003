//! What calls can ask for at most, over every protocol.

/// The records of a page if the caller does not say.
pub const DEFAULT_PAGE_SIZE: i32 = 50;

/// The most records of a page; who asks for more gets so many.
pub const MAX_PAGE_SIZE: i32 = 1_000;

/// The most records to skip.
pub const MAX_SKIP: i32 = 100_000;

/// The most paths to expand.
pub const MAX_EXPAND_PATHS: usize = 20;

/// The most steps of a path to expand.
pub const MAX_EXPAND_DEPTH: usize = 3;

/// The most records that a step to many brings for each one before it.
pub const MAX_EXPANDED: usize = 100;

/// The most records of a batch.
pub const MAX_BATCH: usize = 1_000;

/// The most things to compute at once.
pub const MAX_AGGREGATIONS: usize = 20;

/// The most fields to group by.
pub const MAX_GROUP_BY: usize = 3;

/// The most groups of an answer.
pub const MAX_GROUPS: usize = 1_000;

/// The longest request id, in bytes.
pub const MAX_REQUEST_ID: usize = 128;
