//! Runs compilers on threads of their own: they take long, and their stack grows with the nesting of the input.

use groundplan_budget::{Budget, DEFAULT};
use groundplan_error::{Error, Reason};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, oneshot};

/// The stack size in bytes. Parsers are recursive, and a stack overflow would abort the process. Only used pages take
/// memory, and the thread returns all of them.
const STACK_SIZE: usize = 64 << 20;

/// The maximum number of concurrent compilations. Each takes a core, and memory in proportion to the upload.
pub(crate) const MAX_CONCURRENT: usize = 2;

/// The maximum number of waiting uploads.
pub(crate) const MAX_WAITING: usize = 6;

/// The time limit of a compilation, in seconds.
pub(crate) const TIME_LIMIT_SECONDS: u16 = 60;

const TIME_LIMIT: Duration = Duration::from_secs(TIME_LIMIT_SECONDS as u64);

/// The time after which a rejected caller can retry.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// The queue of uploads to compile. A handle: clones share one queue.
#[derive(Clone, Debug)]
pub(crate) struct CompilerQueue {
    /// A permit for each compiling or waiting upload.
    slots: Arc<Semaphore>,
    /// A permit for each compiling upload.
    threads: Arc<Semaphore>,
    time_limit: Duration,
}

impl Default for CompilerQueue {
    fn default() -> Self {
        Self::new(MAX_CONCURRENT, MAX_WAITING, TIME_LIMIT)
    }
}

impl CompilerQueue {
    fn new(concurrent: usize, waiting: usize, time_limit: Duration) -> Self {
        let slots = Arc::new(Semaphore::new(concurrent + waiting));
        Self { slots, threads: Arc::new(Semaphore::new(concurrent)), time_limit }
    }

    /// Runs `work` on a separate thread as soon as one is free. The budget stops the work when the caller cancels or
    /// the time limit passes.
    pub(crate) async fn run_on_compiler_thread<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Budget) -> Result<R, Error> + Send + 'static,
    ) -> Result<R, Error> {
        let slot = Arc::clone(&self.slots).try_acquire_owned().map_err(|_| queue_full())?;
        let permit = Arc::clone(&self.threads).acquire_owned().await.map_err(Error::internal)?;
        let budget = Budget::new(DEFAULT, Some(Instant::now() + self.time_limit));
        let _cancelled_with_the_call = budget.cancel_on_drop();
        let (sender, receiver) = oneshot::channel();
        let thread = std::thread::Builder::new().name("compile".to_owned()).stack_size(STACK_SIZE);
        let run = move || {
            let result = work(&budget);
            drop((permit, slot));
            // The caller might have disconnected.
            let _ = sender.send(result);
        };
        thread.spawn(run).map_err(Error::internal)?;
        let result = receiver.await.map_err(|_| Error::internal("the compiler panicked"))?;
        result.map_err(|error| match error.reason() {
            Reason::DeadlineExceeded => self.time_limit_exceeded(),
            _ => error,
        })
    }

    fn time_limit_exceeded(&self) -> Error {
        let seconds = self.time_limit.as_secs();
        let message = format!(
            "compiling the models takes longer than {seconds} seconds; remove files that no model imports, or spread \
             the models over several installations"
        );
        Error::new(Reason::DeadlineExceeded, message)
    }
}

/// Returns the error for a full queue.
fn queue_full() -> Error {
    let message = format!(
        "{MAX_CONCURRENT} uploads of models are being compiled and {MAX_WAITING} more are waiting; try again in a moment"
    );
    Error::new(Reason::ServerBusy, message).retry_after(RETRY_AFTER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;
    use std::sync::mpsc;

    fn descend(levels: u32) -> u32 {
        let ballast = std::hint::black_box([levels; 1 << 10]);
        if levels == 0 { ballast[0] } else { descend(levels - 1) + ballast[1] - ballast[2] + 1 }
    }

    fn queue(concurrent: usize, waiting: usize) -> CompilerQueue {
        CompilerQueue::new(concurrent, waiting, TIME_LIMIT)
    }

    #[tokio::test]
    async fn deep_recursion_fits() {
        assert_eq!(queue(1, 0).run_on_compiler_thread(|_| Ok(descend(8_000))).await.unwrap(), 8_000);
    }

    #[tokio::test]
    async fn a_panic_is_an_error_and_frees_its_slot() {
        let queue = queue(1, 0);
        assert!(queue.run_on_compiler_thread(|_| -> Result<(), Error> { panic!("on purpose") }).await.is_err());
        assert_eq!(queue.run_on_compiler_thread(|_| Ok(7)).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_full_queue_rejects_callers_and_cancellation_stops_the_work() {
        let queue = queue(1, 1);
        let (ended, has_ended) = mpsc::channel();
        let endless = move |budget: &Budget| -> Result<(), Error> {
            while budget.check().is_ok() {
                std::thread::yield_now();
            }
            let _ = ended.send(());
            budget.check()
        };
        let mut first = Box::pin(queue.run_on_compiler_thread(endless));
        assert!((&mut first).now_or_never().is_none());
        let mut second = Box::pin(queue.run_on_compiler_thread(|_| Ok(2)));
        assert!((&mut second).now_or_never().is_none());
        let rejected = queue.run_on_compiler_thread(|_| Ok(3)).await.unwrap_err();
        assert_eq!(rejected.reason(), Reason::ServerBusy);
        assert!(rejected.retry_delay().is_some());
        drop(first);
        assert_eq!(second.await.unwrap(), 2, "the one who waits has the thread of the one who left");
        has_ended.recv().unwrap();
    }

    #[tokio::test]
    async fn time_is_limited() {
        let queue = CompilerQueue::new(1, 0, Duration::from_millis(20));
        let endless = |budget: &Budget| loop {
            budget.check()?;
        };
        let error = queue.run_on_compiler_thread(endless).await.map(|(): ()| ()).unwrap_err();
        assert_eq!(error.reason(), Reason::DeadlineExceeded);
        assert!(error.to_string().contains("compiling the models"), "{error}");
    }
}
