//! Long computations outside of the runtime's threads.

use groundplan_error::Error;
use std::sync::LazyLock;
use std::thread::available_parallelism;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio_util::task::AbortOnDropHandle;

/// The size in bytes from which decoding a request and checking its records takes about a millisecond.
pub const LONG: usize = 128 << 10;

/// Half of the cores. The others stay free for short calls.
static CORES: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new((available_parallelism().map_or(1, usize::from) / 2).max(1)));

/// Runs work on a separate thread when a core is free. Dropping the future cancels work that has not started; work that has
/// started ends by the request's budget.
pub async fn offload<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    let core = CORES.acquire().await.map_err(Error::internal)?;
    let work = move || {
        let _core = core;
        work()
    };
    AbortOnDropHandle::new(spawn_blocking(work)).await.map_err(Error::internal)
}

/// Runs work on a separate thread if it has [`LONG`] bytes or more, otherwise inline.
pub async fn offload_if_long<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    if bytes >= LONG { offload(work).await } else { Ok(work()) }
}

#[cfg(test)]
mod tests {
    use super::{LONG, offload, offload_if_long};
    use groundplan_error::Reason;
    use std::thread::current;

    #[tokio::test]
    async fn only_long_work_runs_on_another_thread() {
        let here = current().id();
        assert!(offload_if_long(LONG - 1, move || current().id() == here).await.unwrap());
        assert!(offload_if_long(LONG, move || current().id() != here).await.unwrap());
    }

    #[tokio::test]
    async fn cores_are_free_again_after_a_panic() {
        for _ in 0..100 {
            let error = offload::<()>(|| panic!("on purpose")).await.unwrap_err();
            assert_eq!(error.reason(), Reason::Internal);
        }
        assert_eq!(offload(|| 1).await.unwrap(), 1);
    }
}
