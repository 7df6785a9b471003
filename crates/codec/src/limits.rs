//! What a record may cost: nesting that cannot overflow the stack, and memory that small bytes cannot blow up.

use crate::value::{ALLOCATION, MEMBER};
use crate::{DecodeError, Value, mask};
use groundplan_budget::{Budget, Decoded};
use groundplan_error::Limit;
use groundplan_model::shape::Shape;

/// The deepest nesting: of messages, and of the objects and lists inside a `google.protobuf.Struct`, together.
///
/// Clients' libraries refuse more than 100 levels on the wire, where an object of a `Struct` takes three (the map's entry, the
/// `Value`, the `Struct`). What is stored must be readable by all of them, in a list as well.
pub const MAX_DEPTH: u32 = 32;

/// The most values that all records of a request have, unless a setting says otherwise: list elements, map entries, the values
/// inside a `google.protobuf.Struct`, and for each nested message the fields that it could have. Two bytes on the wire can ask for
/// a kilobyte of memory; this bounds it.
pub const MAX_VALUES: usize = 1_000_000;

/// The memory that a value takes where it stands.
const SLOT: usize = size_of::<Option<Value>>();

/// What a record and a mask may have.
pub const LIMITS: &[Limit] = &[
    Limit::things("nested messages and Struct objects", MAX_DEPTH as usize, "levels", "INVALID_FIELDS"),
    Limit::things("all records of a request", MAX_VALUES, "values", "BUDGET_EXCEEDED; set by GROUNDPLAN_MAX_VALUES"),
    Limit::things("a mask", mask::MAX_PATHS, "paths", "INVALID_FIELDS"),
    Limit::bytes("the paths of a mask together", mask::MAX_BYTES, "INVALID_FIELDS"),
];

/// What is left of the limits while one record is decoded.
#[derive(Debug)]
pub(crate) struct Limits {
    depth: u32,
    /// None for stored records: they were counted when they were written, perhaps with fewer fields, and must stay readable.
    decoded: Option<Decoded>,
}

impl Limits {
    /// Those of a record that a request brings: everything is charged to the request before it is allocated.
    pub(crate) fn of_request(budget: &Budget) -> Self {
        Self { depth: MAX_DEPTH, decoded: Some(budget.decoded()) }
    }

    /// Only those of nesting.
    pub(crate) fn of_depth() -> Self {
        Self { depth: MAX_DEPTH, decoded: None }
    }

    /// Goes one level deeper; [`Limits::leave`] comes back. After an error nothing is decoded further.
    pub(crate) fn enter(&mut self) -> Result<(), DecodeError> {
        self.depth = self.depth.checked_sub(1).ok_or_else(too_deep)?;
        Ok(())
    }

    pub(crate) fn leave(&mut self) {
        self.depth += 1;
    }

    /// Counts a message: a place for each field that it could have.
    pub(crate) fn message(&mut self, shape: &Shape) -> Result<(), DecodeError> {
        let fields = shape.fields.len();
        self.charge(fields, ALLOCATION + fields * SLOT)
    }

    /// Counts elements of a list, each with what it may allocate.
    pub(crate) fn elements(&mut self, count: usize) -> Result<(), DecodeError> {
        self.charge(count, count.saturating_mul(SLOT + ALLOCATION))
    }

    /// Counts elements of a list that allocate nothing.
    pub(crate) fn numbers(&mut self, count: usize) -> Result<(), DecodeError> {
        self.charge(count, count.saturating_mul(SLOT))
    }

    /// Counts an entry of a map.
    pub(crate) fn entry(&mut self) -> Result<(), DecodeError> {
        self.charge(1, 2 * (SLOT + ALLOCATION))
    }

    /// Counts a value inside of a `google.protobuf.Struct`, with the key that it may have.
    pub(crate) fn json(&mut self) -> Result<(), DecodeError> {
        self.charge(1, MEMBER + ALLOCATION)
    }

    /// Counts the bytes that are kept of what was sent, or copied.
    pub(crate) fn bytes(&mut self, count: usize) -> Result<(), DecodeError> {
        self.charge(0, count)
    }

    fn charge(&mut self, values: usize, bytes: usize) -> Result<(), DecodeError> {
        match &mut self.decoded {
            Some(decoded) => decoded.charge(values as u64, bytes).map_err(DecodeError::of_budget),
            None => Ok(()),
        }
    }
}

#[cold]
fn too_deep() -> DecodeError {
    DecodeError::new("depth", format!("is nested deeper than {MAX_DEPTH} levels; flatten it, or store it as a string"))
}

/// Frees what a list has allocated beyond its length, where that is much: it was not counted.
pub(crate) fn shrink<T>(elements: &mut Vec<T>) {
    if elements.capacity() - elements.len() > 64 {
        elements.shrink_to_fit();
    }
}
