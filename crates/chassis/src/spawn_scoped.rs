//! Work that goes on whether or not the one who waits for it is polled.

use groundplan_error::Error;
use tokio_util::task::AbortOnDropHandle;

/// Does work by a task of its own, which ends with the one who waits for it.
///
/// The body of a streamed answer is polled only while its client reads. What holds a lock, a turn or a connection must not
/// depend on that: one client that does not read would hold up all others.
pub async fn spawn_scoped<T: Send + 'static>(
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    AbortOnDropHandle::new(tokio::spawn(work)).await.map_err(Error::internal)?
}

#[cfg(test)]
mod tests {
    use super::spawn_scoped;
    use futures_util::FutureExt as _;
    use std::sync::Arc;
    use tokio::sync::Mutex;

    #[tokio::test]
    async fn it_goes_on_without_being_polled_and_ends_with_the_one_who_waits() {
        let lock = Arc::new(Mutex::new(0));
        let held = lock.clone();
        let mut waiting = Box::pin(spawn_scoped(async move {
            let mut number = held.lock().await;
            tokio::task::yield_now().await;
            *number += 1;
            Ok(*number)
        }));
        assert!((&mut waiting).now_or_never().is_none());
        // Nobody polls it any more, and the lock becomes free all the same.
        while *lock.lock().await == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(waiting.await.unwrap(), 1);
        let held = lock.clone();
        let mut gone = Box::pin(spawn_scoped(async move {
            let _number = held.lock_owned().await;
            std::future::pending::<Result<(), _>>().await
        }));
        assert!((&mut gone).now_or_never().is_none());
        tokio::task::yield_now().await;
        drop(gone);
        assert_eq!(*lock.lock().await, 1);
    }
}
