//! Budgets: what one request may use ([`Budget`]), and how much memory all requests of a process may hold ([`Memory`]).
//!
//! A budget is charged before work is done or memory is taken, and belongs to the request: all records of a batch, all
//! conditions of a commit and all pages of a list share one. Pure: no I/O, no waiting.

mod allowance;
mod decoded;
mod memory;
mod request;
mod steps;

pub use allowance::{Allowance, DEFAULT, Resource};
pub use decoded::Decoded;
pub use memory::{Held, Memory};
pub use request::{Budget, CancelOnDrop, UNRESERVED};
pub use steps::Steps;
