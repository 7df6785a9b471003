//! Work that can be long, off the runtime's threads.

use groundplan_error::Error;
use std::sync::LazyLock;
use std::thread::available_parallelism;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio_util::task::AbortOnDropHandle;

/// From so many bytes on, decoding a request and checking its records is long: it takes about a millisecond.
pub const LONG: usize = 128 << 10;

/// Half of the cores. The others stay free for short calls, however many long ones there are.
static CORES: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new((available_parallelism().map_or(1, usize::from) / 2).max(1)));

/// Does work on a thread of its own, as soon as a core is free for it. Work that has not begun ends with the one who waits for it;
/// work that has begun ends by the request's budget, which it charges.
pub async fn offload<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    let core = CORES.acquire().await.map_err(Error::internal)?;
    let work = move || {
        let _core = core;
        work()
    };
    AbortOnDropHandle::new(spawn_blocking(work)).await.map_err(Error::internal)
}

/// The same for what has so many bytes, if that is [`LONG`]. Shorter work is done here and now.
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
    async fn long_work_has_a_thread_of_its_own_and_short_work_has_none() {
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
