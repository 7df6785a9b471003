//! One after the other, by key.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OwnedMutexGuard;

type Queue = Arc<tokio::sync::Mutex<()>>;

/// Turns of those who ask with the same key. Whoever waits here holds nothing else, such as a connection.
#[derive(Debug)]
pub struct KeyedMutex<K: Eq + Hash> {
    queues: Mutex<HashMap<K, Queue>>,
}

impl<K: Eq + Hash> Default for KeyedMutex<K> {
    fn default() -> Self {
        Self { queues: Mutex::default() }
    }
}

/// A turn. The next of the same key begins when it is dropped.
#[derive(Debug)]
pub struct KeyedMutexGuard<'a, K: Eq + Hash> {
    keyed_mutex: &'a KeyedMutex<K>,
    key: K,
    // In this order: who looks whether anybody waits must not count himself.
    guard: Option<OwnedMutexGuard<()>>,
}

impl<K: Clone + Eq + Hash> KeyedMutex<K> {
    /// Waits until all who asked before with this key have ended. Others do not matter.
    pub async fn lock(&self, key: K) -> KeyedMutexGuard<'_, K> {
        let queue = self.queues.lock().unwrap_or_else(PoisonError::into_inner).entry(key.clone()).or_default().clone();
        // Made before the wait: who goes away while he waits clears up behind himself, too.
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
    async fn one_key_is_one_at_a_time_and_others_do_not_wait() {
        let (keyed_mutex, inside) = (Arc::new(KeyedMutex::default()), Arc::new(AtomicU32::new(0)));
        let began = tokio::time::Instant::now();
        let tasks: Vec<_> = (0..30)
            .map(|at| {
                let (keyed_mutex, inside) = (keyed_mutex.clone(), inside.clone());
                tokio::spawn(async move {
                    let key = at % 3;
                    let _turn = keyed_mutex.lock(key).await;
                    let bit = 1 << key;
                    assert_eq!(inside.fetch_or(bit, Ordering::SeqCst) & bit, 0, "two of one key are there");
                    sleep(Duration::from_secs(1)).await;
                    inside.fetch_and(!bit, Ordering::SeqCst);
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(began.elapsed().as_secs(), 10, "three keys go on beside each other");
        assert!(keyed_mutex.queues.lock().unwrap().is_empty(), "keys are left behind");
    }

    #[tokio::test(start_paused = true)]
    async fn one_who_goes_away_holds_up_nobody_and_leaves_nothing() {
        let keyed_mutex = KeyedMutex::default();
        let first = keyed_mutex.lock("a").await;
        assert!(timeout(Duration::from_secs(1), keyed_mutex.lock("a")).await.is_err());
        drop(first);
        drop(timeout(Duration::from_secs(1), keyed_mutex.lock("a")).await.unwrap());
        assert!(keyed_mutex.queues.lock().unwrap().is_empty());
    }
}
