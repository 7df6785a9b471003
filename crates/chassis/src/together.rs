//! One answer for all who ask at the same time.

use groundplan_error::Error;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Mutex;

/// A question that many may ask at once, such as thousands of followers that come back together. Whoever asks gets an answer
/// that was looked for after it has asked; those who wait for one share the next.
#[derive(Debug)]
pub struct Together<T> {
    asked: AtomicU64,
    /// How many had asked when the last answer was looked for, and the answer; none if it failed.
    last: Mutex<Option<(u64, Option<T>)>>,
}

impl<T> Default for Together<T> {
    fn default() -> Self {
        Self { asked: AtomicU64::new(0), last: Mutex::new(None) }
    }
}

impl<T: Clone> Together<T> {
    /// Asks by `find`, unless somebody else does so for both. Whoever shares a failure is told `failure`.
    pub async fn ask(
        &self,
        find: impl AsyncFnOnce() -> Result<T, Error>,
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
        let found = find().await;
        *last = Some((covered, found.as_ref().ok().cloned()));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::Together;
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
        let (together, found) = (Arc::new(Together::default()), Arc::new(AtomicU64::new(0)));
        let ask = |fails: bool| {
            let (together, found) = (together.clone(), found.clone());
            tokio::spawn(async move {
                let before = found.load(Ordering::SeqCst);
                let find = async || {
                    sleep(Duration::from_millis(10)).await;
                    let answer = found.fetch_add(1, Ordering::SeqCst) + 1;
                    if fails { Err(away()) } else { Ok(answer) }
                };
                (before, together.ask(find, away).await)
            })
        };
        let mut asking: Vec<_> = (0..1_000).map(|_| ask(false)).collect();
        sleep(Duration::from_millis(5)).await;
        asking.extend((0..1_000).map(|_| ask(false)));
        for one in asking {
            let (before, answer) = one.await.unwrap();
            assert!(answer.unwrap() > before, "nobody gets an answer that is older than the question");
        }
        assert!(found.load(Ordering::SeqCst) <= 3, "{found:?}");
        let failing: Vec<_> = (0..1_000).map(|_| ask(true)).collect();
        let all = async {
            for one in failing {
                assert_eq!(one.await.unwrap().1.unwrap_err().reason(), Reason::DatabaseUnavailable);
            }
        };
        timeout(Duration::from_millis(50), all).await.expect("a failure is shared, too");
    }

    #[tokio::test(start_paused = true)]
    async fn one_who_goes_away_holds_up_nobody() {
        let together = Arc::new(Together::default());
        let slow = together.ask(
            async || {
                sleep(Duration::from_secs(60)).await;
                Ok(1)
            },
            away,
        );
        assert!(timeout(Duration::from_millis(1), slow).await.is_err());
        assert_eq!(together.ask(async || Ok(2), away).await.unwrap(), 2);
    }
}
