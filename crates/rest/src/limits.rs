//! Limits that only REST has.

/// The longest token of a watch in a header, in bytes.
pub const MAX_EVENT_ID: usize = 8 << 10;

/// The longest body of a query, in bytes: a full batch with room to spare.
pub const MAX_QUERY_BODY: usize = 1 << 20;

/// How many unknown names of one request are compared with the known ones, to suggest the nearest.
pub const MAX_SUGGESTIONS: usize = 3;

/// The most keys of an object of a body that is read key by key.
pub const MAX_MEMBERS: usize = 2_000;
