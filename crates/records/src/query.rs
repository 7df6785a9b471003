//! Queries: what callers write, compiled once, and the statements that come of it.
//!
//! A [`Compiled`] is a filter and an order over a model. A [`Selection`] says which of its records somebody wants, and
//! writes the statements; [`keyset`] is how a page goes on behind another; [`advice`] says which index serves it; and
//! [`Shapes`] decides which texts the connections keep prepared.

pub(crate) mod advice;
mod compiled;
mod draft;
mod keyset;
mod plan;
mod queries;
mod selection;
mod shapes;

pub(crate) use compiled::{Compiled, order_error};
pub(crate) use draft::Draft;
pub(crate) use plan::Plan;
pub(crate) use queries::Queries;
pub(crate) use selection::{Layout, Parent, Part, Selection};
pub(crate) use shapes::{MAX_KEPT, Shapes};
