//! One answer for all who ask at the same time.

use groundplan_error::Error;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Mutex;

/// A question that many may ask at once, such as thousands of followers that come back together. Whoever asks gets an answer
/// that was looked for after it has asked; those who wait for one share the next.
#[derive(Debug)]
pub struct SingleFlight<T> {
    asked: AtomicU64,
    /// How many had asked when the last answer was looked for, and the answer; none if it failed.
    last: Mutex<Option<(u64, Option<T>)>>,
}

impl<T> Default for SingleFlight<T> {
    fn default() -> Self {
        Self { asked: AtomicU64::new(0), last: Mutex::new(None) }
    }
}

impl<T: Clone> SingleFlight<T> {
    /// Asks by `load`, unless somebody else does so for both. Whoever shares a failure is told `failure`.
    pub async fn run(
        &self,
        load: impl AsyncFnOnce() -> Result<T, Error>,
        failure: impl FnOnce() -> Error,
    ) -> Result<T, Error> {
        let number = self.asked.fetch_add(1, Ordering::AcqRel);
        let mut last = self.last.lock().await;
        if let Some((covered, answer)) = &*last
            && number < *covered
        {
            return answer.clone().ok_or_else(failure);
        }
        let covered = self.asked.load(Ordering::Acquire);
        let found = load().await;
        *last = Some((covered, found.as_ref().ok().cloned()));
        found
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
    async fn those_who_wait_share_the_next_answer() {
        let (single_flight, found) = (Arc::new(SingleFlight::default()), Arc::new(AtomicU64::new(0)));
        let run = |fails: bool| {
            let (single_flight, found) = (single_flight.clone(), found.clone());
            tokio::spawn(async move {
                let before = found.load(Ordering::SeqCst);
                let load = async || {
                    sleep(Duration::from_millis(10)).await;
                    let answer = found.fetch_add(1, Ordering::SeqCst) + 1;
                    if fails { Err(away()) } else { Ok(answer) }
                };
                (before, single_flight.run(load, away).await)
            })
        };
        let mut asking: Vec<_> = (0..1_000).map(|_| run(false)).collect();
        sleep(Duration::from_millis(5)).await;
        asking.extend((0..1_000).map(|_| run(false)));
        for one in asking {
            let (before, answer) = one.await.unwrap();
            assert!(answer.unwrap() > before, "nobody gets an answer that is older than the question");
        }
        assert!(found.load(Ordering::SeqCst) <= 3, "{found:?}");
        let failing: Vec<_> = (0..1_000).map(|_| run(true)).collect();
        let all = async {
            for one in failing {
                assert_eq!(one.await.unwrap().1.unwrap_err().reason(), Reason::DatabaseUnavailable);
            }
        };
        timeout(Duration::from_millis(50), all).await.expect("a failure is shared, too");
    }

    #[tokio::test(start_paused = true)]
    async fn one_who_goes_away_holds_up_nobody() {
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
