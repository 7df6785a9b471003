//! JSON text in two dialects: proto3 JSON for clients, and the JSON of `jsonb` columns.

mod decode;
mod encode;
mod number_grammar;
mod patch;
mod reader;
mod scalar;
mod well_known;

pub(crate) use decode::Decoder;
pub(crate) use encode::Encoder;

/// A dialect of JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Proto3 JSON: JSON names, 64-bit integers as strings, enums by name, with zeros.
    Proto,
    /// The JSON of columns: storage names, numbers as numbers, enums by number, without zeros.
    Storage,
}
