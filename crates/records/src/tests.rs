//! Tests of the service on a real PostgreSQL, through gRPC.

mod admission;
mod aggregate;
mod batch_get;
mod budgets;
mod concurrency;
mod crud;
mod differential;
mod expand;
pub(crate) mod fixture;
mod follow;
mod formulas;
mod history;
mod list;
mod list_keyset;
mod list_queries;
mod list_tokens;
mod reflect;
mod related;
mod relations;
mod revisions;
mod round_trip;
mod transfer;
mod watch;
mod wire_errors;
mod writes;
