//! Limits of a record: nesting, which cannot overflow the stack, and memory, which small inputs cannot inflate.

use crate::value::{ALLOCATION, MEMBER};
use crate::{DecodeError, Value, mask};
use groundplan_budget::{Budget, Decoded};
use groundplan_error::Limit;
use groundplan_model::shape::Shape;

/// The maximum nesting of messages, and of objects and lists inside a `google.protobuf.Struct`, together.
///
/// Client libraries reject more than 100 levels on the wire, where an object of a `Struct` takes three (the map's entry, the
/// `Value`, the `Struct`). All of them must be able to read stored records, also in a list.
pub const MAX_DEPTH: u32 = 32;

/// The default maximum number of values in all records of a request: list elements, map entries, the values inside a
/// `google.protobuf.Struct`, and all possible fields of each nested message. Two bytes on the wire can require a kilobyte of
/// memory; this limit bounds it.
pub const MAX_VALUES: usize = 1_000_000;

/// The inline size of a value in bytes.
const SLOT: usize = size_of::<Option<Value>>();

/// The limits of records and masks, for the documentation.
pub const LIMITS: &[Limit] = &[
    Limit::things("nested messages and Struct objects", MAX_DEPTH as usize, "levels", "INVALID_FIELDS"),
    Limit::things("all records of a request", MAX_VALUES, "values", "BUDGET_EXCEEDED; set by GROUNDPLAN_MAX_VALUES"),
    Limit::things("a mask", mask::MAX_PATHS, "paths", "INVALID_FIELDS"),
    Limit::bytes("the paths of a mask together", mask::MAX_BYTES, "INVALID_FIELDS"),
];

/// The remaining limits while one record is decoded.
#[derive(Debug)]
pub(crate) struct Limits {
    depth: u32,
    /// `None` for stored records: they were charged when they were written, perhaps with fewer fields, and must stay readable.
    decoded: Option<Decoded>,
}

impl Limits {
    /// Returns the limits of a record in a request: everything is charged to the request before it is allocated.
    pub(crate) fn for_request(budget: &Budget) -> Self {
        Self { depth: MAX_DEPTH, decoded: Some(budget.decoded()) }
    }

    /// Returns limits for the nesting only.
    pub(crate) fn depth_only() -> Self {
        Self { depth: MAX_DEPTH, decoded: None }
    }

    /// Enters a nested level, which [`Limits::leave`] leaves. Decoding stops after an error.
    pub(crate) fn enter(&mut self) -> Result<(), DecodeError> {
        self.depth = self.depth.checked_sub(1).ok_or_else(too_deep)?;
        Ok(())
    }

    pub(crate) fn leave(&mut self) {
        self.depth += 1;
    }

    /// Charges a message: a slot for each possible field.
    pub(crate) fn charge_message(&mut self, shape: &Shape) -> Result<(), DecodeError> {
        let fields = shape.fields.len();
        self.charge(fields, ALLOCATION + fields * SLOT)
    }

    /// Charges elements of a list that allocate memory.
    pub(crate) fn charge_elements(&mut self, count: usize) -> Result<(), DecodeError> {
        self.charge(count, count.saturating_mul(SLOT + ALLOCATION))
    }

    /// Charges elements of a list that allocate nothing.
    pub(crate) fn charge_numbers(&mut self, count: usize) -> Result<(), DecodeError> {
        self.charge(count, count.saturating_mul(SLOT))
    }

    /// Charges an entry of a map.
    pub(crate) fn charge_entry(&mut self) -> Result<(), DecodeError> {
        self.charge(1, 2 * (SLOT + ALLOCATION))
    }

    /// Charges a value inside a `google.protobuf.Struct`, including its key.
    pub(crate) fn charge_json_value(&mut self) -> Result<(), DecodeError> {
        self.charge(1, MEMBER + ALLOCATION)
    }

    /// Charges bytes that are kept or copied from the input.
    pub(crate) fn charge_bytes(&mut self, count: usize) -> Result<(), DecodeError> {
        self.charge(0, count)
    }

    fn charge(&mut self, values: usize, bytes: usize) -> Result<(), DecodeError> {
        match &mut self.decoded {
            Some(decoded) => decoded.charge(values as u64, bytes).map_err(DecodeError::budget),
            None => Ok(()),
        }
    }
}

#[cold]
fn too_deep() -> DecodeError {
    DecodeError::new("depth", format!("is nested deeper than {MAX_DEPTH} levels; flatten it, or store it as a string"))
}

/// Frees excess capacity of a list, which was not charged.
pub(crate) fn shrink_list<T>(elements: &mut Vec<T>) {
    if elements.capacity() - elements.len() > 64 {
        elements.shrink_to_fit();
    }
}
