//! A writer that determines the outcome of every write.

use super::enough::Enough;
use super::pool::{Known, Pool, Step, entity, version};
use super::tally::Tally;
use crate::client::{Entities, settle};
use crate::stubs::{CreateEntityRequest, DeleteEntityRequest, Entity, GetEntityRequest, UpdateEntityRequest};
use prost_types::FieldMask;
use rand::RngExt as _;
use rand::rngs::StdRng;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::interval;
use tonic::{Code, Response, Status};

/// A task that writes random changes.
pub(super) struct Writer {
    pub(super) client: Entities,
    pub(super) pool: Arc<Pool>,
    pub(super) tally: Arc<Tally>,
    pub(super) number: u16,
    /// The interval between the starts of writes; none: each write starts when the previous one finishes.
    pub(super) pause: Option<Duration>,
}

impl Writer {
    /// Writes until the stop condition is met. Returns the fault, if any.
    pub(super) async fn run(self, enough: Arc<Enough>, mut chance: StdRng) -> Option<String> {
        let mut ticks = self.pause.map(interval);
        while !enough.is(self.tally.changes.get()) {
            if let Some(ticks) = &mut ticks {
                ticks.tick().await;
            }
            let (what, outcome) = match self.pool.choose(&mut chance) {
                Step::Create => ("create", self.create(&mut chance).await),
                Step::Update(known) => ("update", self.update(&known, &mut chance).await),
                Step::Delete(known) => ("delete", self.delete(&known).await),
            };
            if let Err(status) = outcome {
                return Some(format!("writer {} cannot {what}: {status}", self.number));
            }
        }
        None
    }

    async fn create(&self, chance: &mut StdRng) -> Result<(), Status> {
        let id = uuid::Builder::from_random_bytes(chance.random()).into_uuid().to_string();
        let made = entity(&id, 1, self.number, chance);
        let request = CreateEntityRequest { entity: Some(made.clone()), ..CreateEntityRequest::default() };
        let (answer, unsure) =
            settle(&self.client, &request, |mut client, request| async move { client.create_entity(request).await })
                .await;
        match answer {
            Ok(answer) => {
                self.done(&answer, 1);
                Ok(())
            }
            Err(status) if unsure && status.code() == Code::AlreadyExists => self.look(&made, unsure).await,
            Err(status) => Err(status),
        }
    }

    /// Updates a record if its etag still matches, so that a retry is safe.
    async fn update(&self, known: &Known, chance: &mut StdRng) -> Result<(), Status> {
        let next = entity(&known.id, known.version + 1, self.number, chance);
        let mask = FieldMask { paths: vec!["field1".into(), "field2".into()] };
        let request = UpdateEntityRequest {
            entity: Some(next.clone()),
            update_mask: Some(mask),
            etag: known.etag.clone(),
            ..UpdateEntityRequest::default()
        };
        let (answer, unsure) =
            settle(&self.client, &request, |mut client, request| async move { client.update_entity(request).await })
                .await;
        match answer {
            Ok(answer) => {
                self.done(&answer, next_version(known));
                Ok(())
            }
            Err(status) if matches!(status.code(), Code::Aborted | Code::NotFound) => self.look(&next, unsure).await,
            Err(status) => Err(status),
        }
    }

    async fn delete(&self, known: &Known) -> Result<(), Status> {
        let request =
            DeleteEntityRequest { id: known.id.clone(), etag: known.etag.clone(), ..DeleteEntityRequest::default() };
        let (answer, unsure) =
            settle(&self.client, &request, |mut client, request| async move { client.delete_entity(request).await })
                .await;
        match answer {
            Ok(_) => {
                self.tally.changes.add();
                self.pool.remove(&known.id);
                Ok(())
            }
            Err(status) if matches!(status.code(), Code::Aborted | Code::NotFound) => {
                let gone = Entity { id: known.id.clone(), ..Entity::default() };
                self.look(&gone, unsure).await
            }
            Err(status) => Err(status),
        }
    }

    fn done(&self, answer: &Response<Entity>, version: i64) {
        self.tally.changes.add();
        self.pool.put(known(answer, version));
    }

    /// Reads a record after a failed write, to determine whether another writer came first or whether an attempt without a
    /// response took effect.
    async fn look(&self, wanted: &Entity, unsure: bool) -> Result<(), Status> {
        let request = GetEntityRequest { id: wanted.id.clone(), read_mask: None };
        let (found, _) =
            settle(&self.client, &request, |mut client, request| async move { client.get_entity(request).await }).await;
        let was_done = match found {
            Ok(found) => {
                let of_version = version(found.get_ref());
                self.pool.put(known(&found, of_version));
                found.get_ref().field1 == wanted.field1
            }
            Err(status) if status.code() == Code::NotFound => {
                self.pool.remove(&wanted.id);
                wanted.field1.is_empty()
            }
            Err(status) => return Err(status),
        };
        if unsure {
            self.tally.unsure.add();
        }
        // A write that took effect without a response and was then overwritten counts as overtaken: the tally misses that change.
        if unsure && was_done {
            self.tally.changes.add()
        } else {
            self.tally.overtaken.add()
        }
        Ok(())
    }
}

fn next_version(known: &Known) -> i64 {
    known.version + 1
}

fn known(answer: &Response<Entity>, version: i64) -> Known {
    let etag = answer.metadata().get("etag").and_then(|etag| etag.to_str().ok()).unwrap_or_default();
    Known { id: answer.get_ref().id.clone(), version, etag: etag.to_owned() }
}
