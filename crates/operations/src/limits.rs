//! The limits of requests, for every protocol.

/// The number of records in a page if the caller does not set it.
pub const DEFAULT_PAGE_SIZE: i32 = 50;

/// The maximum number of records in a page. Larger requests get this number.
pub const MAX_PAGE_SIZE: i32 = 1_000;

/// The maximum number of records to skip.
pub const MAX_SKIP: i32 = 100_000;

/// The maximum number of paths to expand.
pub const MAX_EXPAND_PATHS: usize = 20;

/// The maximum number of steps in a path to expand.
pub const MAX_EXPAND_DEPTH: usize = 3;

/// The maximum number of records that a step over a relation to many returns for each record of the previous step.
pub const MAX_EXPANDED: usize = 100;

/// The maximum number of records in a batch.
pub const MAX_BATCH: usize = 1_000;

/// The maximum number of aggregations in a request.
pub const MAX_AGGREGATIONS: usize = 20;

/// The maximum number of fields to group by.
pub const MAX_GROUP_BY: usize = 3;

/// The maximum number of groups in a response.
pub const MAX_GROUPS: usize = 1_000;

/// The maximum length of a request id, in bytes.
pub const MAX_REQUEST_ID: usize = 128;
