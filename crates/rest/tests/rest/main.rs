//! The router over a backend in memory, and the OpenAPI document.

mod http;
mod openapi;
// Clippy lets helpers unwrap, as tests may, only where this is said.
#[cfg(test)]
mod support;
