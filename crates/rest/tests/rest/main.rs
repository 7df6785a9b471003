//! The router over a backend in memory, and the OpenAPI document.

mod http;
mod openapi;
mod openapi_queries;
mod queries;
mod queries_refused;
// Clippy lets helpers unwrap, as tests may, only where this is said.
#[cfg(test)]
mod memory;
#[cfg(test)]
mod support;
