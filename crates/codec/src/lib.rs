//! Records as values, and their three encodings: protobuf wire bytes, proto3 JSON, and the JSON of `jsonb` columns.
//!
//! Everything is driven by the [`Shapes`](groundplan_model::shape::Shapes) of a catalog: there is no generated code and
//! no dynamic message. What a decoder returns is normalized, so that equal records compare equal whichever encoding
//! they came in; what it refuses it refuses with the path of the field and the way out. Pure: no I/O, no waiting.

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

pub use error::{DecodeError, shown};
pub use limits::{LIMITS, MAX_DEPTH, MAX_VALUES};
pub use nearest::{nearest, suggestion};
pub use time::{FIRST_TIME, LAST_TIME, LONGEST_DURATION, timestamp, timestamp_parts};
pub use value::{Record, Stored, Value};

#[cfg(test)]
mod tests;
