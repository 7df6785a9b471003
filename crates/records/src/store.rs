//! Queries on the service's tables, one file per table.

pub(crate) mod request_ids;
pub(crate) mod secrets;
