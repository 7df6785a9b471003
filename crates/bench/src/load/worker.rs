//! A worker that sends one request after the other.

use super::caller::Caller;
use super::operation::Operation;
use super::rows::Rows;
use crate::output::Failure;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use uuid::Uuid;

/// The current phase, which all workers share.
#[derive(Default)]
pub(super) struct Phase {
    pub(super) measured: AtomicBool,
    pub(super) stopped: AtomicBool,
}

/// The measurements of a worker.
#[derive(Default)]
pub(super) struct Done {
    /// In nanoseconds.
    pub(super) latencies: Vec<u64>,
    pub(super) errors: u64,
    pub(super) first_error: Option<String>,
}

pub(super) struct Worker {
    caller: Caller,
    operation: Operation,
    rows: Rows,
    random: StdRng,
    /// The ids and etags of the rows that this worker changes.
    own: Vec<(String, String)>,
}

impl Worker {
    pub(super) fn new(caller: Caller, operation: Operation, rows: Rows) -> Self {
        Self { caller, operation, rows, random: StdRng::seed_from_u64(rows.worker), own: Vec::new() }
    }

    /// Reads the etags of the rows that this worker changes.
    pub(super) async fn prepare(mut self) -> Result<Self, Failure> {
        if self.operation == Operation::Update {
            for id in self.rows.own() {
                let etag = self.caller.get(&id).await?;
                self.own.push((id, etag));
            }
        }
        Ok(self)
    }

    /// Sends requests until the phase is stopped, or until more than 100 requests fail.
    pub(super) async fn run(mut self, phase: Arc<Phase>) -> Done {
        let mut done = Done::default();
        while !phase.stopped.load(Ordering::Relaxed) {
            let start = Instant::now();
            let outcome = self.request().await;
            match outcome {
                Err(failure) => {
                    done.errors += 1;
                    done.first_error.get_or_insert_with(|| failure.to_string());
                    if done.errors > 100 {
                        break;
                    }
                }
                Ok(()) if phase.measured.load(Ordering::Relaxed) => {
                    done.latencies.push(u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX));
                }
                Ok(()) => {}
            }
        }
        done
    }

    async fn request(&mut self) -> Result<(), Failure> {
        match self.operation {
            Operation::Get => {
                let id = self.rows.any(&mut self.random);
                self.caller.get(&id).await.map(drop)
            }
            Operation::List => {
                let name = self.rows.name(&mut self.random);
                self.caller.list(&name).await
            }
            Operation::Create => {
                let record = self.rows.record(Uuid::now_v7().to_string(), &mut self.random);
                self.caller.create(record).await
            }
            Operation::Update => {
                let at = self.random.random_range(0..self.own.len());
                let (id, etag) = &mut self.own[at];
                let record = self.rows.record(id.clone(), &mut self.random);
                *etag = self.caller.update(record, etag).await?;
                Ok(())
            }
        }
    }
}
