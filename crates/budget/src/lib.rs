//! Budgets: the resources that one request can use ([`Budget`]), and the memory that all requests of a process can hold
//! ([`Memory`]).
//!
//! A budget is charged before work is done or memory is allocated. It belongs to the request: all records of a batch, all
//! conditions of a commit and all pages of a list share one budget. Pure: no I/O, no waiting.

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
