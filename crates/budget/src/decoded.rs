//! Charges decoded values and their memory.

use crate::{Budget, Resource};
use groundplan_error::Error;

/// The number of values and of bytes that are taken from the budget together.
const BLOCK: (u64, usize) = (128, 4 << 10);

/// The charges of decoding on one thread. They are taken from the request's budget in blocks, so that a value costs only a
/// subtraction; dropping this returns the unused rest.
#[derive(Debug)]
pub struct Decoded {
    budget: Budget,
    values: u64,
    bytes: usize,
}

impl Decoded {
    pub(crate) fn new(budget: Budget) -> Self {
        Self { budget, values: 0, bytes: 0 }
    }

    /// Charges values and the bytes of memory for them, before they are allocated.
    ///
    /// # Errors
    /// `BUDGET_EXCEEDED`, `MEMORY_EXHAUSTED`, `CANCELLED` or `DEADLINE_EXCEEDED`.
    #[inline]
    pub fn charge(&mut self, values: u64, bytes: usize) -> Result<(), Error> {
        if values > self.values || bytes > self.bytes {
            self.refill(values, bytes)?;
        }
        self.values -= values;
        self.bytes -= bytes;
        Ok(())
    }

    /// Takes the next blocks.
    #[cold]
    fn refill(&mut self, values: u64, bytes: usize) -> Result<(), Error> {
        self.budget.check()?;
        if let Some(missing) = values.checked_sub(self.values) {
            self.values += self.budget.take(Resource::Values, missing.saturating_add(BLOCK.0));
            if self.values < values {
                return Err(self.budget.exceeded(Resource::Values));
            }
        }
        if let Some(missing) = bytes.checked_sub(self.bytes) {
            let wanted = missing.saturating_add(BLOCK.1);
            let taken = usize::try_from(self.budget.take(Resource::Bytes, wanted as u64)).unwrap_or(usize::MAX);
            if taken < missing {
                return Err(self.budget.exceeded(Resource::Bytes));
            }
            self.budget.hold(taken)?;
            self.bytes += taken;
        }
        Ok(())
    }
}

impl Drop for Decoded {
    fn drop(&mut self) {
        self.budget.give_back(Resource::Values, self.values);
        self.budget.give_back(Resource::Bytes, self.bytes as u64);
        self.budget.release(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use crate::{Allowance, Budget, DEFAULT, Memory, Resource};
    use groundplan_error::Reason;

    #[test]
    fn values_and_bytes_are_exact_although_taken_in_blocks() {
        let memory = Memory::new(1 << 20);
        let allowance = Allowance { values: 1_000, bytes: 100_000, ..DEFAULT };
        let budget = Budget::for_request(allowance, &memory, None);
        let mut decoded = budget.decoded();
        for _ in 0..900 {
            decoded.charge(1, 100).unwrap();
        }
        drop(decoded);
        assert_eq!((budget.remaining(Resource::Values), budget.remaining(Resource::Bytes)), (100, 10_000));
        assert_eq!(budget.held(), 90_000);
        assert!(budget.decoded().charge(100, 10_000).is_ok());
        assert_eq!(budget.decoded().charge(1, 0).unwrap_err().reason(), Reason::BudgetExceeded);
        assert_eq!(budget.decoded().charge(0, 1).unwrap_err().reason(), Reason::BudgetExceeded);
    }
}
