//! Mutual exclusion by key.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OwnedMutexGuard;

type Queue = Arc<tokio::sync::Mutex<()>>;

/// A mutex for each key. A caller must not hold other resources, such as a connection, while it waits.
#[derive(Debug)]
pub struct KeyedMutex<K: Eq + Hash> {
    queues: Mutex<HashMap<K, Queue>>,
}

impl<K: Eq + Hash> Default for KeyedMutex<K> {
    fn default() -> Self {
        Self { queues: Mutex::default() }
    }
}

/// The lock of a key. Dropping it lets the next caller with the same key continue.
#[derive(Debug)]
pub struct KeyedMutexGuard<'a, K: Eq + Hash> {
    keyed_mutex: &'a KeyedMutex<K>,
    key: K,
    // Dropped before the queue is checked for other waiters, so that it does not count itself.
    guard: Option<OwnedMutexGuard<()>>,
}

impl<K: Clone + Eq + Hash> KeyedMutex<K> {
    /// Locks a key. Callers with the same key get it in order; other keys are independent.
    pub async fn lock(&self, key: K) -> KeyedMutexGuard<'_, K> {
        let queue = self.queues.lock().unwrap_or_else(PoisonError::into_inner).entry(key.clone()).or_default().clone();
        // Created before the wait, so that dropping the future cleans up, too.
        let mut turn = KeyedMutexGuard { keyed_mutex: self, key, guard: None };
        turn.guard = Some(queue.lock_owned().await);
        turn
    }
}

impl<K: Eq + Hash> Drop for KeyedMutexGuard<'_, K> {
    fn drop(&mut self) {
        let mut queues = self.keyed_mutex.queues.lock().unwrap_or_else(PoisonError::into_inner);
        self.guard = None;
        if queues.get(&self.key).is_some_and(|queue| Arc::strong_count(queue) == 1) {
            queues.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::KeyedMutex;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;
    use tokio::time::{sleep, timeout};

    #[tokio::test(start_paused = true)]
    async fn callers_of_one_key_are_serialized_and_others_do_not_wait() {
        let (keyed_mutex, inside) = (Arc::new(KeyedMutex::default()), Arc::new(AtomicU32::new(0)));
        let started = tokio::time::Instant::now();
        let tasks: Vec<_> = (0..30)
            .map(|at| {
                let (keyed_mutex, inside) = (keyed_mutex.clone(), inside.clone());
                tokio::spawn(async move {
                    let key = at % 3;
                    let _turn = keyed_mutex.lock(key).await;
                    let bit = 1 << key;
                    assert_eq!(
                        inside.fetch_or(bit, Ordering::SeqCst) & bit,
                        0,
                        "two callers of one key run at the same time"
                    );
                    sleep(Duration::from_secs(1)).await;
                    inside.fetch_and(!bit, Ordering::SeqCst);
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(started.elapsed().as_secs(), 10, "three keys run in parallel");
        assert!(keyed_mutex.queues.lock().unwrap().is_empty(), "keys remain");
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_caller_blocks_nobody_and_leaves_nothing() {
        let keyed_mutex = KeyedMutex::default();
        let first = keyed_mutex.lock("a").await;
        assert!(timeout(Duration::from_secs(1), keyed_mutex.lock("a")).await.is_err());
        drop(first);
        drop(timeout(Duration::from_secs(1), keyed_mutex.lock("a")).await.unwrap());
        assert!(keyed_mutex.queues.lock().unwrap().is_empty());
    }
}
