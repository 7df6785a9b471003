//! JSON text, in two dialects of one codec: proto3 JSON for clients, and the JSON of `jsonb` columns.

mod decode;
mod encode;
mod patch;
mod reader;
mod scalar;

pub(crate) use decode::Decoder;
pub(crate) use encode::Encoder;

/// Which JSON it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Proto3 JSON: names that clients know, 64-bit integers as strings, enums by name, zeros written out.
    Proto,
    /// What columns hold: names of storage, numbers as numbers, enums by number, zeros left out.
    Storage,
}
