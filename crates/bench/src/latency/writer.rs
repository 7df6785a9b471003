//! Writes changes when they are due.

use super::clock::{Clock, to_f64};
use crate::client::{Entities, Suite};
use crate::output::Failure;
use crate::stubs::{CreateEntityRequest, Entity, UpdateEntityRequest};
use prost_types::FieldMask;
use std::sync::Arc;
use tokio::time::sleep_until;

/// A record, and the number of the writer that changes it.
#[derive(Clone)]
pub(super) struct Record {
    pub(super) id: String,
    pub(super) writer: u32,
}

/// Creates the records of all writers, evenly spread over the groups.
pub(super) async fn create(suite: &Suite, writers: u32, each: u32, groups: u32) -> Result<Vec<Record>, Failure> {
    let mut client = suite.client()?;
    let mut records = Vec::new();
    for number in 0..writers * each {
        // -1 is never the number of a change.
        let entity = Entity { field1: format!("group {}", number % groups), field2: -1.0, ..Entity::default() };
        let made = client
            .create_entity(CreateEntityRequest { entity: Some(entity), ..CreateEntityRequest::default() })
            .await?
            .into_inner();
        records.push(Record { id: made.id, writer: number % writers });
    }
    Ok(records)
}

/// Changes the records one after the other, each when a change is due. Returns the response times in nanoseconds.
pub(super) async fn write(mut client: Entities, clock: Arc<Clock>, records: Vec<Record>) -> Result<Vec<u64>, Failure> {
    let mask = FieldMask { paths: vec!["field2".into()] };
    let mut waits = Vec::new();
    for record in records.iter().cycle() {
        let Some((number, due)) = clock.take() else { break };
        sleep_until(due).await;
        let entity = Entity { id: record.id.clone(), field2: to_f64(number), ..Entity::default() };
        let request =
            UpdateEntityRequest { entity: Some(entity), update_mask: Some(mask.clone()), ..Default::default() };
        let sent = clock.now();
        client.update_entity(request).await?;
        clock.ack(number);
        waits.push(clock.acked(number).saturating_sub(sent));
    }
    Ok(waits)
}
