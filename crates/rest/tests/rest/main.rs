//! The router over a backend in memory, and the OpenAPI document.

mod batches;
mod batches_invalid;
mod commits;
mod commits_invalid;
mod history;
mod http;
mod merge_patch;
mod openapi;
mod openapi_queries;
mod openapi_writes;
mod queries;
mod queries_invalid;
mod soft_deletes;
mod watch;
mod writes;
// Clippy allows `unwrap` in tests by default, but not in their helpers.
#[cfg(test)]
mod memory;
#[cfg(test)]
mod support;
