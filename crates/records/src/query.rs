//! Queries: what callers write, compiled once, and the statements that come of it.
//!
//! A [`Compiled`] is a filter and an order over a model. A [`Selection`] says which of its records somebody wants, and
//! writes the statements; [`keyset`] is how a page goes on behind another; [`advice`] says which index serves it; and
//! [`StatementCachePolicy`] decides which texts the connections keep prepared.

pub(crate) mod advice;
mod compiled;
mod keyset;
mod plan;
mod queries;
mod selection;
mod sql_builder;
mod statement_cache;

pub(crate) use compiled::{Compiled, order_error};
pub(crate) use plan::Plan;
pub(crate) use queries::Queries;
pub(crate) use selection::{Layout, Parent, Part, Selection};
pub(crate) use sql_builder::SqlBuilder;
pub(crate) use statement_cache::{MAX_KEPT, StatementCachePolicy};
