//! What one record may cost: nesting that cannot overflow the stack, and memory that small bytes cannot blow up.

use crate::{DecodeError, mask};
use groundplan_error::Limit;

/// The deepest nesting: of messages, and of the objects and lists inside a `google.protobuf.Struct`, together.
///
/// Clients' libraries refuse more than 100 levels on the wire, where an object of a `Struct` takes three (the map's entry, the
/// `Value`, the `Struct`). What is stored must be readable by all of them, in a list as well.
pub const MAX_DEPTH: u32 = 32;

/// The most values in a record: list elements, map entries, the values inside a `google.protobuf.Struct`, and for each
/// nested message the fields that it could have. Two bytes on the wire can ask for a kilobyte of memory; this bounds it.
pub const MAX_VALUES: usize = 1_000_000;

/// What a record and a mask may have.
pub const LIMITS: &[Limit] = &[
    Limit::things(
        "messages, and objects of a Struct, inside each other",
        MAX_DEPTH as usize,
        "levels",
        "INVALID_FIELDS",
    ),
    Limit::things("a record", MAX_VALUES, "values", "INVALID_FIELDS"),
    Limit::things("a mask", mask::MAX_PATHS, "paths", "INVALID_FIELDS"),
    Limit::bytes("the paths of a mask together", mask::MAX_BYTES, "INVALID_FIELDS"),
];

/// What is left of the limits while one record is decoded.
#[derive(Debug)]
pub(crate) struct Limits {
    depth: u32,
    values: usize,
}

impl Limits {
    pub(crate) fn new() -> Self {
        Self { depth: MAX_DEPTH, values: MAX_VALUES }
    }

    /// Only those of nesting.
    pub(crate) fn of_depth() -> Self {
        Self { depth: MAX_DEPTH, values: usize::MAX }
    }

    /// Goes one level deeper; [`Limits::leave`] comes back. After an error nothing is decoded further.
    pub(crate) fn enter(&mut self) -> Result<(), DecodeError> {
        self.depth = self.depth.checked_sub(1).ok_or_else(too_deep)?;
        Ok(())
    }

    pub(crate) fn leave(&mut self) {
        self.depth += 1;
    }

    /// Counts values before memory is taken for them.
    pub(crate) fn spend(&mut self, values: usize) -> Result<(), DecodeError> {
        self.values = self.values.checked_sub(values).ok_or_else(too_many)?;
        Ok(())
    }
}

#[cold]
fn too_deep() -> DecodeError {
    DecodeError::new("depth", format!("is nested deeper than {MAX_DEPTH} levels; flatten it, or store it as a string"))
}

#[cold]
fn too_many() -> DecodeError {
    DecodeError::new("size", format!("makes the record larger than {MAX_VALUES} values; split it into several records"))
}
