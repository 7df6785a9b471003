//! One result for concurrent callers of the same work.

use groundplan_error::Error;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Mutex;

/// Work that many callers can request at the same time, such as thousands of reconnecting watchers. Each caller gets a result
/// that was started after its request; waiting callers share the next one.
#[derive(Debug)]
pub struct SingleFlight<T> {
    requests: AtomicU64,
    /// The number of requests before the last run started, and its result; none if it failed.
    last: Mutex<Option<(u64, Option<T>)>>,
}

impl<T> Default for SingleFlight<T> {
    fn default() -> Self {
        Self { requests: AtomicU64::new(0), last: Mutex::new(None) }
    }
}

impl<T: Clone> SingleFlight<T> {
    /// Runs `load`, unless a run that starts later serves this caller, too. A shared failure becomes `failure`.
    pub async fn run(
        &self,
        load: impl AsyncFnOnce() -> Result<T, Error>,
        failure: impl FnOnce() -> Error,
    ) -> Result<T, Error> {
        let number = self.requests.fetch_add(1, Ordering::AcqRel);
        let mut last = self.last.lock().await;
        if let Some((covered_requests, result)) = &*last
            && number < *covered_requests
        {
            return result.clone().ok_or_else(failure);
        }
        let covered_requests = self.requests.load(Ordering::Acquire);
        let result = load().await;
        *last = Some((covered_requests, result.as_ref().ok().cloned()));
        result
    }
}

#[cfg(test)]
mod tests {
    use super::SingleFlight;
    use groundplan_error::{Error, Reason};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;
    use tokio::time::{sleep, timeout};

    fn away() -> Error {
        Error::new(Reason::DatabaseUnavailable, "away")
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_callers_share_the_next_result() {
        let (single_flight, runs) = (Arc::new(SingleFlight::default()), Arc::new(AtomicU64::new(0)));
        let run = |fails: bool| {
            let (single_flight, runs) = (single_flight.clone(), runs.clone());
            tokio::spawn(async move {
                let before = runs.load(Ordering::SeqCst);
                let load = async || {
                    sleep(Duration::from_millis(10)).await;
                    let result = runs.fetch_add(1, Ordering::SeqCst) + 1;
                    if fails { Err(away()) } else { Ok(result) }
                };
                (before, single_flight.run(load, away).await)
            })
        };
        let mut asking: Vec<_> = (0..1_000).map(|_| run(false)).collect();
        sleep(Duration::from_millis(5)).await;
        asking.extend((0..1_000).map(|_| run(false)));
        for one in asking {
            let (before, result) = one.await.unwrap();
            assert!(result.unwrap() > before, "a result is never older than its request");
        }
        assert!(runs.load(Ordering::SeqCst) <= 3, "{runs:?}");
        let failing: Vec<_> = (0..1_000).map(|_| run(true)).collect();
        let all = async {
            for one in failing {
                assert_eq!(one.await.unwrap().1.unwrap_err().reason(), Reason::DatabaseUnavailable);
            }
        };
        timeout(Duration::from_millis(50), all).await.expect("a failure is shared, too");
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_caller_blocks_nobody() {
        let single_flight = Arc::new(SingleFlight::default());
        let slow = single_flight.run(
            async || {
                sleep(Duration::from_secs(60)).await;
                Ok(1)
            },
            away,
        );
        assert!(timeout(Duration::from_millis(1), slow).await.is_err());
        assert_eq!(single_flight.run(async || Ok(2), away).await.unwrap(), 2);
    }
}
