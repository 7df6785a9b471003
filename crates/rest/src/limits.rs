//! The limits of REST.

/// The longest token of a watch in a header, in bytes.
pub const MAX_EVENT_ID: usize = 8 << 10;

/// The longest body of a query, in bytes: more than a full batch needs.
pub const MAX_QUERY_BODY: usize = 1 << 20;

/// The most unknown names in a request for which the error suggests the nearest known name.
pub const MAX_SUGGESTIONS: usize = 3;

/// The most keys of an object in a body that is read key by key.
pub const MAX_MEMBERS: usize = 2_000;
