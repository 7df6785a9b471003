//! Records as values, and their three encodings: protobuf wire bytes, proto3 JSON, and the JSON of `jsonb` columns.
//!
//! The [`Shapes`](groundplan_model::shape::Shapes) of a catalog drive everything: there is no generated code and there are no
//! dynamic messages. Decoded records are normalized, so that equal records compare equal regardless of their encoding. Errors have
//! the path of the field and say how to fix the input. Pure: no I/O, no waiting.

mod error;
mod field_mask;
mod kinds;
mod limits;
mod nearest;
mod number;
mod text;
mod time;
mod value;

pub mod json;
pub mod mask;
pub mod storage;
pub mod wire;

pub use error::{DecodeError, shorten_name};
pub use limits::{LIMITS, MAX_DEPTH, MAX_VALUES};
pub use nearest::{nearest, suggestion};
pub use time::{FIRST_TIME, LAST_TIME, LONGEST_DURATION, timestamp, timestamp_parts};
pub use value::{Record, Stored, Value};

#[cfg(test)]
mod tests;
