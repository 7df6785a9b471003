//! The records that a watcher derives from its events, and the checks of each event.

use super::pool::version;
use crate::stubs::{Entity, WatchEntitiesResponse};
use groundplan_proto::watch::v1::{EventKind, Removal};
use std::collections::HashMap;

/// The records as a watcher knows them.
#[derive(Debug, Default)]
pub(super) struct Replica {
    records: HashMap<String, Entity>,
    /// The version in which each removed record left, by id; the maximum for deleted records.
    left: HashMap<String, i64>,
    /// Whether SYNCED has been received: all initially matching records are known.
    is_synced: bool,
    /// The last received transaction.
    transaction: i64,
    /// The resume token of the last event.
    pub(super) token: String,
}

impl Replica {
    /// Applies an event. Fails with the cause if the event violates the guarantees of a watch.
    pub(super) fn apply(&mut self, event: WatchEntitiesResponse) -> Result<(), String> {
        let kind = event.kind();
        self.check_place(&event)?;
        match (kind, event.entity) {
            (EventKind::Created, Some(entity)) => self.create(entity),
            (EventKind::Updated, Some(entity)) => self.update(entity),
            (EventKind::Removed, Some(entity)) => {
                let removal = Removal::try_from(event.removal).unwrap_or_default();
                self.remove(&entity, removal)
            }
            (EventKind::Synced, None) if !self.is_synced => {
                self.is_synced = true;
                Ok(())
            }
            (EventKind::Bookmark, None) => Ok(()),
            (_, entity) => Err(format!("{} must not come here, with {entity:?}", kind.as_str_name())),
        }?;
        self.token = event.token;
        Ok(())
    }

    /// Checks that transactions increase, and that events have a token from SYNCED on and not before.
    fn check_place(&mut self, event: &WatchEntitiesResponse) -> Result<(), String> {
        let kind = event.kind();
        if event.token.is_empty() == (self.is_synced || kind == EventKind::Synced) {
            return Err(format!(
                "{} has a token before SYNCED, or none behind it: {:?}",
                kind.as_str_name(),
                event.token
            ));
        }
        if event.transaction.is_empty() {
            return Ok(());
        }
        let transaction = event.transaction.parse().map_err(|_| format!("{:?} is no place", event.transaction))?;
        if transaction <= self.transaction {
            return Err(format!("transaction {transaction} came behind {}: {:?}", self.transaction, event.entity));
        }
        self.transaction = transaction;
        Ok(())
    }

    fn create(&mut self, entity: Entity) -> Result<(), String> {
        if let Some(before) = self.records.get(&entity.id) {
            return Err(format!("CREATED of a record that is there: {entity:?}, which was {before:?}"));
        }
        if let Some(last) = self.left.get(&entity.id).filter(|last| **last >= version(&entity)) {
            return Err(format!("CREATED of an old version, {entity:?}: it has left in version {last}"));
        }
        self.records.insert(entity.id.clone(), entity);
        Ok(())
    }

    fn update(&mut self, entity: Entity) -> Result<(), String> {
        let Some(before) = self.records.get_mut(&entity.id) else {
            return Err(format!("UPDATED of a record that is not there: {entity:?}"));
        };
        if version(&entity) != version(before) + 1 {
            return Err(format!("UPDATED from {before:?} to {entity:?}: not to the version behind it"));
        }
        *before = entity;
        Ok(())
    }

    fn remove(&mut self, entity: &Entity, removal: Removal) -> Result<(), String> {
        let Some(before) = self.records.remove(&entity.id) else {
            return Err(format!("REMOVED of a record that is not there: {entity:?}"));
        };
        if before != *entity {
            return Err(format!("REMOVED of {before:?} as {entity:?}: not as it was last"));
        }
        let last = match removal {
            Removal::Deleted => i64::MAX,
            Removal::NoMatch => version(&before) + 1,
            Removal::Unspecified => return Err(format!("REMOVED of {entity:?} for no reason")),
        };
        self.left.insert(before.id, last);
        Ok(())
    }

    /// Checks whether a record has this text.
    pub(super) fn has(&self, text: &str) -> bool {
        self.records.values().any(|entity| entity.field1 == text)
    }

    /// Returns the differences from `listed`, the matching records of the table.
    pub(super) fn differences(mut self, listed: Vec<Entity>) -> Vec<String> {
        let mut found = Vec::new();
        for entity in listed {
            match self.records.remove(&entity.id) {
                None => found.push(format!("is missing: {entity:?}")),
                Some(held) if held != entity => found.push(format!("is {held:?} and should be {entity:?}")),
                Some(_) => {}
            }
        }
        found.extend(self.records.into_values().map(|held| format!("should not be there: {held:?}")));
        found
    }
}

#[cfg(test)]
mod tests;
