//! Tests of the public API: models in, catalogs, plans and diagnostics out.
#![expect(clippy::panic, clippy::unwrap_used, reason = "in tests, a panic is how to fail")]

mod changes;
mod descriptor_sets;
mod diagnostics;
mod docs;
mod examples;
mod history;
mod lifetimes;
mod limits;
mod link;
mod names;
mod protoc;
mod random;
mod relations;
mod stricter_rules;
mod support;
