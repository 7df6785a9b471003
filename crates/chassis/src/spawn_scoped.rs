//! Work that progresses even if its caller is not polled.

use groundplan_error::Error;
use tokio_util::task::AbortOnDropHandle;

/// Runs work in its own task, which is cancelled when the returned future is dropped.
///
/// The body of a streaming response is polled only while its client reads. Work that holds a lock or a connection must not depend
/// on that: one client that does not read would block all others.
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
    async fn work_progresses_without_polls_and_ends_with_its_caller() {
        let lock = Arc::new(Mutex::new(0));
        let held = lock.clone();
        let mut waiting = Box::pin(spawn_scoped(async move {
            let mut number = held.lock().await;
            tokio::task::yield_now().await;
            *number += 1;
            Ok(*number)
        }));
        assert!((&mut waiting).now_or_never().is_none());
        // Nobody polls the future, and the lock is released anyway.
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
