//! Charges the cost of an evaluation in advance.

use super::{Datum, EvaluationError, Evaluator};

/// The number of bytes that are compared, copied or searched per step.
const BYTES: usize = 64;

/// The number of output bytes per step, so that steps also limit the memory of an evaluation.
const OUTPUT_BYTES: usize = 8;

impl Evaluator<'_> {
    /// Charges steps: one per operator, element and lookup.
    pub(super) fn charge(&self, steps: u64) -> Result<(), EvaluationError> {
        Ok(self.steps.borrow_mut().charge(steps)?)
    }

    /// Charges one pass over bytes.
    pub(super) fn charge_bytes(&self, bytes: usize) -> Result<(), EvaluationError> {
        self.charge((bytes / BYTES) as u64)
    }

    /// Charges output bytes, which stay allocated until the evaluation finishes.
    pub(super) fn charge_output(&self, bytes: usize) -> Result<(), EvaluationError> {
        self.charge((bytes / OUTPUT_BYTES) as u64)
    }
}

impl Datum<'_> {
    /// Returns the number of bytes that a pass over the value reads; 0 for values of fixed size.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::String(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            // The approximate size of an element.
            Self::List(list) => list.len() * BYTES,
            _ => 0,
        }
    }
}
