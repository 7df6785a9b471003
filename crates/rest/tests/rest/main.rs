//! The router over a backend in memory, and the OpenAPI document.

mod history;
mod http;
mod openapi;
mod openapi_queries;
mod queries;
mod queries_refused;
mod watch;
// Clippy lets helpers unwrap, as tests may, only where this is said.
#[cfg(test)]
mod memory;
#[cfg(test)]
mod support;
