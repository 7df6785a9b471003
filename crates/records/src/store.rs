//! The queries on the service's own tables, one file a table.

pub(crate) mod request_ids;
pub(crate) mod secrets;
