//! What one request may use.

use crate::{Allowance, DEFAULT, Decoded, Memory, Resource, Steps};
use groundplan_error::{Error, Reason};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

/// What a request may hold without reserving it in the process's memory: most requests need less, and share nothing.
pub const UNRESERVED: usize = 16 << 10;

/// What is left for a request. A handle: clones share one budget, on any thread.
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
    /// What the process's memory is reserved in; none: only the request is bounded.
    memory: Option<Memory>,
    /// How many bytes the request holds, those that are not reserved included.
    held: AtomicUsize,
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(memory) = &self.memory {
            memory.release(reserved(*self.held.get_mut()));
        }
    }
}

/// How many of so many bytes are reserved in the process's memory.
fn reserved(held: usize) -> usize {
    held.saturating_sub(UNRESERVED)
}

impl Default for Budget {
    fn default() -> Self {
        Self::new(DEFAULT, None)
    }
}

impl Budget {
    /// A full budget. Work that charges it fails after `deadline`, if there is one.
    pub fn new(allowance: Allowance, deadline: Option<Instant>) -> Self {
        Self::make(allowance, None, deadline)
    }

    /// The same, of a request that holds a part of the process's memory.
    pub fn of_request(allowance: Allowance, memory: &Memory, deadline: Option<Instant>) -> Self {
        Self::make(allowance, Some(memory.clone()), deadline)
    }

    /// A budget of at most `steps` steps for a part of the request's work, which is cheap to try. The part's memory, values and
    /// rows are not this request's; [`Budget::spent`] says what to charge for it.
    #[must_use]
    pub fn trial(&self, steps: u64) -> Self {
        let steps = steps.min(self.remaining(Resource::Steps));
        Self::make(Allowance { steps, ..self.0.allowance }, None, self.0.deadline)
    }

    fn make(allowance: Allowance, memory: Option<Memory>, deadline: Option<Instant>) -> Self {
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

    /// Uses up `amount` of a resource, before the work is done or the memory is taken.
    ///
    /// # Errors
    /// `BUDGET_EXCEEDED` if less is left; then nothing is left.
    pub fn charge(&self, resource: Resource, amount: u64) -> Result<(), Error> {
        if self.take(resource, amount) == amount { Ok(()) } else { Err(self.exceeded(resource)) }
    }

    /// Takes up to `amount` of a resource, and says how much there was.
    pub(crate) fn take(&self, resource: Resource, amount: u64) -> u64 {
        let left = self.left(resource);
        let before = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| Some(left.saturating_sub(amount)));
        before.unwrap_or(0).min(amount)
    }

    /// Gives back what was taken and not used.
    pub(crate) fn give_back(&self, resource: Resource, amount: u64) {
        self.left(resource).fetch_add(amount, Ordering::Relaxed);
    }

    /// How much of a resource is left.
    pub fn remaining(&self, resource: Resource) -> u64 {
        self.left(resource).load(Ordering::Relaxed)
    }

    /// How much of a resource is used up.
    pub fn spent(&self, resource: Resource) -> u64 {
        self.0.allowance.of(resource).saturating_sub(self.remaining(resource))
    }

    /// Holds `bytes` of the process's memory until the request and its answer are done, before they are allocated.
    ///
    /// # Errors
    /// `MEMORY_EXHAUSTED` if the process has fewer left; then no more is held than before.
    pub fn hold(&self, bytes: usize) -> Result<(), Error> {
        let before = self.0.held.fetch_add(bytes, Ordering::Relaxed);
        let more = reserved(before.saturating_add(bytes)) - reserved(before);
        let Some(memory) = self.0.memory.as_ref().filter(|_| more > 0) else { return Ok(()) };
        memory.reserve(more).inspect_err(|_| {
            self.0.held.fetch_sub(bytes, Ordering::Relaxed);
        })
    }

    /// Gives back `bytes` of what is held, when they are freed before the request is done.
    pub fn release(&self, bytes: usize) {
        let less = |held: usize| Some(held.saturating_sub(bytes));
        let before = self.0.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).unwrap_or(0);
        if let Some(memory) = &self.0.memory {
            memory.release(reserved(before) - reserved(before.saturating_sub(bytes)));
        }
    }

    /// How many bytes the request holds.
    pub fn held(&self) -> usize {
        self.0.held.load(Ordering::Relaxed)
    }

    /// Whether the request holds so much that the process's memory counts it.
    pub fn is_large(&self) -> bool {
        self.held() > UNRESERVED
    }

    /// Charges the memory of what is decoded: to the request, and to the process.
    ///
    /// # Errors
    /// `BUDGET_EXCEEDED` if the request has less left, `MEMORY_EXHAUSTED` if the process has.
    pub fn allocate(&self, bytes: usize) -> Result<(), Error> {
        self.charge(Resource::Bytes, bytes as u64)?;
        self.hold(bytes)
    }

    /// What is decoded on one thread; it is charged to this budget in blocks.
    pub fn decoded(&self) -> Decoded {
        Decoded::new(self.clone())
    }

    /// The steps of an evaluation on one thread; they are charged to this budget in blocks.
    pub fn steps(&self) -> Steps {
        Steps::new(self.clone())
    }

    /// Fails once the request is cancelled or its deadline has passed. Long work calls this now and then.
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

    /// Cancels the work of this budget when the returned guard is dropped: a request's future holds the guard, the work on
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

    /// The refusal of a request that needs more than it may use.
    #[cold]
    pub fn exceeded(&self, resource: Resource) -> Error {
        self.0.allowance.exceeded(resource)
    }
}

/// Cancels the work of a budget when it is dropped.
#[derive(Debug)]
pub struct CancelOnDrop(Option<Budget>);

impl CancelOnDrop {
    /// Cancels nothing any more: the work is done.
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
    fn a_request_holds_the_processs_memory_until_its_last_clone_is_gone() {
        let memory = Memory::new(100);
        let budget = Budget::of_request(DEFAULT, &memory, None);
        budget.hold(UNRESERVED).unwrap();
        assert_eq!((memory.used(), budget.is_large()), (0, false));
        budget.hold(60).unwrap();
        assert_eq!((memory.used(), budget.is_large()), (60, true));
        let other = Budget::of_request(DEFAULT, &memory, None);
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
    fn a_trial_has_no_more_steps_than_the_request_has_left() {
        let budget = Budget::new(Allowance { steps: 5_000, ..DEFAULT }, None);
        let trial = budget.trial(100);
        trial.steps().charge(60).unwrap();
        assert_eq!((trial.spent(Resource::Steps), budget.spent(Resource::Steps)), (60, 0));
        assert!(trial.steps().charge(41).is_err());
        budget.charge(Resource::Steps, 4_990).unwrap();
        assert!(budget.trial(100).steps().charge(11).is_err());
    }

    #[test]
    fn work_that_is_done_is_not_cancelled() {
        let budget = Budget::default();
        budget.cancel_on_drop().disarm();
        assert!(budget.check().is_ok());
    }

    #[test]
    fn clones_share_what_is_left() {
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
