//! The router over a backend in memory, and the OpenAPI document.

mod batches;
mod batches_refused;
mod commits;
mod commits_refused;
mod history;
mod http;
mod merge_patch;
mod openapi;
mod openapi_queries;
mod openapi_writes;
mod queries;
mod queries_refused;
mod soft_deletes;
mod watch;
mod writes;
// Clippy lets helpers unwrap, as tests may, only where this is said.
#[cfg(test)]
mod memory;
#[cfg(test)]
mod support;
