//! Runs a compiler apart from the runtime: it takes long, and its stack grows with the nesting of what it reads.

use groundplan_error::Error;
use std::sync::Arc;
use tokio::sync::{Semaphore, oneshot};

/// Parsers recurse, and a thread that runs out of stack takes the process with it. This is address space, not memory:
/// only what is touched is paid for.
const STACK: usize = 256 << 20;

/// Runs `work` on a thread of its own as soon as `permits` lets it. It runs to its end even if nobody waits any more.
pub(crate) async fn apart<R: Send + 'static>(
    permits: &Arc<Semaphore>,
    work: impl FnOnce() -> R + Send + 'static,
) -> Result<R, Error> {
    let permit = Arc::clone(permits).acquire_owned().await.map_err(Error::internal)?;
    let (sender, receiver) = oneshot::channel();
    let thread = std::thread::Builder::new().name("compile".to_owned()).stack_size(STACK);
    let run = move || {
        let result = work();
        drop(permit);
        // The caller may have gone.
        let _ = sender.send(result);
    };
    thread.spawn(run).map_err(Error::internal)?;
    receiver.await.map_err(|_| Error::internal("the compiler panicked"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descend(levels: u32) -> u32 {
        let ballast = std::hint::black_box([levels; 1 << 10]);
        if levels == 0 { ballast[0] } else { descend(levels - 1) + ballast[1] - ballast[2] + 1 }
    }

    #[tokio::test]
    async fn deep_recursion_fits() {
        let permits = Arc::new(Semaphore::new(1));
        assert_eq!(apart(&permits, || descend(10_000)).await.unwrap(), 10_000);
    }

    #[tokio::test]
    async fn a_panic_is_an_error_and_gives_its_permit_back() {
        let permits = Arc::new(Semaphore::new(1));
        assert!(apart(&permits, || panic!("on purpose")).await.is_err());
        assert_eq!(apart(&permits, || 7).await.unwrap(), 7);
    }
}
