//! Charges the steps of one evaluation.

use crate::{Budget, Resource};
use groundplan_error::Error;

/// The number of steps that are taken from the budget together; the deadline is checked as often.
const BLOCK: u64 = 1_024;

/// The steps of an evaluation on one thread. They are taken from the request's budget in blocks, so that a step costs only a
/// subtraction; dropping this returns the unused rest.
#[derive(Debug)]
pub struct Steps {
    budget: Budget,
    left: u64,
}

impl Steps {
    pub(crate) fn new(budget: Budget) -> Self {
        Self { budget, left: 0 }
    }

    /// Charges `steps`, before they are done.
    ///
    /// # Errors
    /// `BUDGET_EXCEEDED`, `CANCELLED` or `DEADLINE_EXCEEDED`.
    #[inline]
    pub fn charge(&mut self, steps: u64) -> Result<(), Error> {
        match self.left.checked_sub(steps) {
            Some(left) => self.left = left,
            None => self.refill(steps)?,
        }
        Ok(())
    }

    /// Takes the next block.
    #[cold]
    fn refill(&mut self, steps: u64) -> Result<(), Error> {
        self.budget.check()?;
        let missing = steps - self.left;
        let taken = self.budget.take(Resource::Steps, missing.saturating_add(BLOCK));
        match taken.checked_sub(missing) {
            Some(left) => self.left = left,
            None => return Err(self.budget.exceeded(Resource::Steps)),
        }
        Ok(())
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        self.budget.give_back(Resource::Steps, self.left);
    }
}

#[cfg(test)]
mod tests {
    use crate::{Allowance, Budget, DEFAULT, Resource};

    #[test]
    fn steps_are_exact_although_taken_in_blocks() {
        let budget = Budget::new(Allowance { steps: 3_000, ..DEFAULT }, None);
        let mut steps = budget.steps();
        for _ in 0..1_500 {
            steps.charge(1).unwrap();
        }
        drop(steps);
        assert_eq!(budget.remaining(Resource::Steps), 1_500);
        let mut steps = budget.steps();
        assert!(steps.charge(1_500).is_ok());
        assert!(steps.charge(1).is_err());
    }
}
