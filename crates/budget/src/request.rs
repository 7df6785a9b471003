//! The budget of one request.

use crate::{Allowance, DEFAULT, Decoded, Memory, Resource, Steps};
use groundplan_error::{Error, Reason};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

/// The bytes that a request can hold without reserving them in the process's memory. Most requests need less, and so avoid
/// contention.
pub const UNRESERVED: usize = 16 << 10;

/// The remaining resources of a request. A handle: clones share one budget, on any thread.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    allowance: Allowance,
    bytes: AtomicU64,
    values: AtomicU64,
    steps: AtomicU64,
    rows: AtomicU64,
    deadline: Option<Instant>,
    is_cancelled: AtomicBool,
    /// The memory of the process; `None` if only the request is limited.
    memory: Option<Memory>,
    /// The bytes that the request holds, including unreserved ones.
    held: AtomicUsize,
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(memory) = &self.memory {
            memory.release(reserved(*self.held.get_mut()));
        }
    }
}

/// Returns how many of the held bytes are reserved in the process's memory.
fn reserved(held: usize) -> usize {
    held.saturating_sub(UNRESERVED)
}

impl Default for Budget {
    fn default() -> Self {
        Self::new(DEFAULT, None)
    }
}

impl Budget {
    /// Returns a full budget. Work that charges it fails after the deadline.
    pub fn new(allowance: Allowance, deadline: Option<Instant>) -> Self {
        Self::with_memory(allowance, None, deadline)
    }

    /// Like [`Budget::new`], for a request that holds a part of the process's memory.
    pub fn for_request(allowance: Allowance, memory: &Memory, deadline: Option<Instant>) -> Self {
        Self::with_memory(allowance, Some(memory.clone()), deadline)
    }

    /// Returns a separate budget of at most `steps` steps for optional work. It is not charged to this budget; the caller
    /// charges [`Budget::spent`] of the trial.
    #[must_use]
    pub fn trial(&self, steps: u64) -> Self {
        let steps = steps.min(self.remaining(Resource::Steps));
        Self::with_memory(Allowance { steps, ..self.0.allowance }, None, self.0.deadline)
    }

    fn with_memory(allowance: Allowance, memory: Option<Memory>, deadline: Option<Instant>) -> Self {
        Self(Arc::new(Inner {
            allowance,
            bytes: AtomicU64::new(allowance.bytes),
            values: AtomicU64::new(allowance.values),
            steps: AtomicU64::new(allowance.steps),
            rows: AtomicU64::new(allowance.rows),
            deadline,
            is_cancelled: AtomicBool::new(false),
            memory,
            held: AtomicUsize::new(0),
        }))
    }

    /// Consumes `amount` of a resource, before the work is done or the memory is allocated.
    ///
    /// # Errors
    /// `BUDGET_EXCEEDED` if less remains; then nothing remains.
    pub fn charge(&self, resource: Resource, amount: u64) -> Result<(), Error> {
        if self.take(resource, amount) == amount { Ok(()) } else { Err(self.exceeded(resource)) }
    }

    /// Takes up to `amount` of a resource, and returns how much it took.
    pub(crate) fn take(&self, resource: Resource, amount: u64) -> u64 {
        let left = self.left(resource);
        let before = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| Some(left.saturating_sub(amount)));
        before.unwrap_or(0).min(amount)
    }

    /// Returns an unused amount to the budget.
    pub(crate) fn give_back(&self, resource: Resource, amount: u64) {
        self.left(resource).fetch_add(amount, Ordering::Relaxed);
    }

    /// Returns the remaining amount of a resource.
    pub fn remaining(&self, resource: Resource) -> u64 {
        self.left(resource).load(Ordering::Relaxed)
    }

    /// Returns the consumed amount of a resource.
    pub fn spent(&self, resource: Resource) -> u64 {
        self.0.allowance.limit(resource).saturating_sub(self.remaining(resource))
    }

    /// Holds `bytes` of the process's memory until the request and its response are finished, before they are allocated.
    ///
    /// # Errors
    /// `MEMORY_EXHAUSTED` if fewer are free; then the request holds no more than before.
    pub fn hold(&self, bytes: usize) -> Result<(), Error> {
        let before = self.0.held.fetch_add(bytes, Ordering::Relaxed);
        let more = reserved(before.saturating_add(bytes)) - reserved(before);
        let Some(memory) = self.0.memory.as_ref().filter(|_| more > 0) else { return Ok(()) };
        memory.reserve(more).inspect_err(|_| {
            self.0.held.fetch_sub(bytes, Ordering::Relaxed);
        })
    }

    /// Releases `bytes` that are freed before the request is finished.
    pub fn release(&self, bytes: usize) {
        let less = |held: usize| Some(held.saturating_sub(bytes));
        let before = self.0.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).unwrap_or(0);
        if let Some(memory) = &self.0.memory {
            memory.release(reserved(before) - reserved(before.saturating_sub(bytes)));
        }
    }

    /// Returns the number of bytes that the request holds.
    pub fn held(&self) -> usize {
        self.0.held.load(Ordering::Relaxed)
    }

    /// Whether the request holds so much that it reserves the process's memory.
    pub fn is_large(&self) -> bool {
        self.held() > UNRESERVED
    }

    /// Charges the memory of decoded values to the request and to the process.
    ///
    /// # Errors
    /// `BUDGET_EXCEEDED` if the request has too little left, `MEMORY_EXHAUSTED` if the process has.
    pub fn allocate(&self, bytes: usize) -> Result<(), Error> {
        self.charge(Resource::Bytes, bytes as u64)?;
        self.hold(bytes)
    }

    /// Returns the charges of decoding on one thread, which are taken in blocks.
    pub fn decoded(&self) -> Decoded {
        Decoded::new(self.clone())
    }

    /// Returns the steps of an evaluation on one thread, which are taken in blocks.
    pub fn steps(&self) -> Steps {
        Steps::new(self.clone())
    }

    /// Fails if the request is cancelled or its deadline has passed. Long work calls this regularly.
    ///
    /// # Errors
    /// `CANCELLED` or `DEADLINE_EXCEEDED`.
    pub fn check(&self) -> Result<(), Error> {
        if self.0.is_cancelled.load(Ordering::Relaxed) {
            return Err(Error::new(Reason::Cancelled, "the caller has cancelled the call"));
        }
        if self.0.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(Error::new(Reason::DeadlineExceeded, "the deadline passed while the call was evaluated"));
        }
        Ok(())
    }

    /// Returns a guard that cancels the work of this budget when it is dropped. The request's future holds the guard; work on
    /// another thread holds the budget.
    #[must_use]
    pub fn cancel_on_drop(&self) -> CancelOnDrop {
        CancelOnDrop(Some(self.clone()))
    }

    fn left(&self, resource: Resource) -> &AtomicU64 {
        match resource {
            Resource::Bytes => &self.0.bytes,
            Resource::Values => &self.0.values,
            Resource::Steps => &self.0.steps,
            Resource::Rows => &self.0.rows,
        }
    }

    /// Returns the error for a request that exceeds its limit.
    #[cold]
    pub fn exceeded(&self, resource: Resource) -> Error {
        self.0.allowance.exceeded(resource)
    }
}

/// Cancels the work of a budget when it is dropped.
#[derive(Debug)]
pub struct CancelOnDrop(Option<Budget>);

impl CancelOnDrop {
    /// Disables the guard after the work is finished.
    pub fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        if let Some(budget) = &self.0 {
            budget.0.is_cancelled.store(true, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Budget, UNRESERVED};
    use crate::{Allowance, DEFAULT, Memory, Resource};
    use groundplan_error::Reason;
    use std::time::Instant;

    #[test]
    fn a_request_holds_process_memory_until_its_last_clone_is_dropped() {
        let memory = Memory::new(100);
        let budget = Budget::for_request(DEFAULT, &memory, None);
        budget.hold(UNRESERVED).unwrap();
        assert_eq!((memory.used(), budget.is_large()), (0, false));
        budget.hold(60).unwrap();
        assert_eq!((memory.used(), budget.is_large()), (60, true));
        let other = Budget::for_request(DEFAULT, &memory, None);
        let error = other.allocate(UNRESERVED + 41).unwrap_err();
        assert_eq!((error.reason(), memory.used(), other.held()), (Reason::MemoryExhausted, 60, 0));
        other.hold(UNRESERVED + 40).unwrap();
        other.release(30);
        assert_eq!(memory.used(), 70);
        let clone = budget.clone();
        drop(budget);
        assert_eq!(memory.used(), 70);
        drop((clone, other));
        assert_eq!(memory.used(), 0);
    }

    #[test]
    fn a_trial_has_at_most_the_remaining_steps_of_the_request() {
        let budget = Budget::new(Allowance { steps: 5_000, ..DEFAULT }, None);
        let trial = budget.trial(100);
        trial.steps().charge(60).unwrap();
        assert_eq!((trial.spent(Resource::Steps), budget.spent(Resource::Steps)), (60, 0));
        assert!(trial.steps().charge(41).is_err());
        budget.charge(Resource::Steps, 4_990).unwrap();
        assert!(budget.trial(100).steps().charge(11).is_err());
    }

    #[test]
    fn a_disarmed_guard_does_not_cancel() {
        let budget = Budget::default();
        budget.cancel_on_drop().disarm();
        assert!(budget.check().is_ok());
    }

    #[test]
    fn clones_share_one_budget() {
        let budget = Budget::new(Allowance { values: 10, ..DEFAULT }, None);
        assert!(budget.charge(Resource::Values, 6).is_ok());
        let error = budget.clone().charge(Resource::Values, 5).unwrap_err();
        assert_eq!(error.reason(), Reason::BudgetExceeded);
        assert!(error.to_string().contains("10 values"), "{error}");
        assert_eq!(budget.remaining(Resource::Values), 0);
    }

    #[test]
    fn a_cancelled_or_late_budget_fails_its_check() {
        let budget = Budget::default();
        assert!(budget.check().is_ok());
        drop(budget.cancel_on_drop());
        assert_eq!(budget.check().unwrap_err().reason(), Reason::Cancelled);
        let late = Budget::new(DEFAULT, Some(Instant::now()));
        assert_eq!(late.check().unwrap_err().reason(), Reason::DeadlineExceeded);
    }
}
