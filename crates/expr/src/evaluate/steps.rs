//! What an evaluation costs, charged before it is done.

use super::{Datum, EvaluationError, Evaluator};

/// How many bytes are compared, copied or searched in the time of one step.
const BYTES: usize = 64;

/// How many bytes are made for a step: the steps bound the memory of an evaluation, too.
const OUTPUT_BYTES: usize = 8;

impl Evaluator<'_> {
    /// Charges steps: one for each operator, element and look-up.
    pub(super) fn charge(&self, steps: u64) -> Result<(), EvaluationError> {
        Ok(self.steps.borrow_mut().charge(steps)?)
    }

    /// Charges one pass over bytes.
    pub(super) fn charge_bytes(&self, bytes: usize) -> Result<(), EvaluationError> {
        self.charge((bytes / BYTES) as u64)
    }

    /// Charges the making of bytes, which are kept until the expression is evaluated.
    pub(super) fn charge_output(&self, bytes: usize) -> Result<(), EvaluationError> {
        self.charge((bytes / OUTPUT_BYTES) as u64)
    }
}

impl Datum<'_> {
    /// How many bytes a pass over the value reads: none of what has a fixed size.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::String(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            // An element of a list is about as large.
            Self::List(list) => list.len() * BYTES,
            _ => 0,
        }
    }
}
