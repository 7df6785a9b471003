//! The existing records, as the writers know them. The writers share the records, so that their writes conflict.

use super::filters::{NUMBERS, WORDS};
use crate::stubs::Entity;
use rand::RngExt as _;
use rand::rngs::StdRng;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The number of records that change much more often than the others, so that writes conflict.
const HOT: usize = 8;

/// The last known state of a record.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) id: String,
    pub(super) version: i64,
    pub(super) etag: String,
}

/// The next write of a writer.
pub(super) enum Step {
    Create,
    Update(Known),
    Delete(Known),
}

/// The known records, and about how many there should be.
pub(super) struct Pool {
    known: Mutex<Vec<Known>>,
    wanted: usize,
}

impl Pool {
    pub(super) fn new(wanted: usize) -> Self {
        Self { known: Mutex::default(), wanted }
    }

    /// Chooses the next write, so that the number of records stays near the wanted number.
    pub(super) fn choose(&self, chance: &mut StdRng) -> Step {
        let known = self.known();
        let (creates, deletes) = if known.len() < self.wanted { (0.4, 0.1) } else { (0.1, 0.15) };
        let what = chance.random::<f64>();
        if known.is_empty() || what < creates {
            return Step::Create;
        }
        let most = if chance.random_bool(0.1) { known.len().min(HOT) } else { known.len() };
        match known.get(chance.random_range(0..most)).cloned() {
            None => Step::Create,
            Some(record) if what < creates + deletes => Step::Delete(record),
            Some(record) => Step::Update(record),
        }
    }

    /// Adds or updates a record, unless a newer version is known.
    pub(super) fn put(&self, record: Known) {
        let mut known = self.known();
        match known.iter_mut().find(|known| known.id == record.id) {
            Some(found) if found.version < record.version => *found = record,
            Some(_) => {}
            None => known.push(record),
        }
    }

    /// Removes a record that no longer exists.
    pub(super) fn remove(&self, id: &str) {
        let mut known = self.known();
        if let Some(at) = known.iter().position(|known| known.id == id) {
            known.swap_remove(at);
        }
    }

    fn known(&self) -> MutexGuard<'_, Vec<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns a record whose text contains its version and the number of its writer.
pub(super) fn entity(id: &str, version: i64, writer: u16, chance: &mut StdRng) -> Entity {
    let word = WORDS.get(chance.random_range(0..WORDS.len())).copied().unwrap_or_default();
    Entity {
        id: id.to_owned(),
        field1: format!("{word} {version} by {writer}"),
        field2: f64::from(chance.random_range(0..NUMBERS)),
        ..Entity::default()
    }
}

/// Returns the version in a record's text; 0 for the end record.
pub(super) fn version(entity: &Entity) -> i64 {
    entity.field1.split(' ').nth(1).and_then(|version| version.parse().ok()).unwrap_or_default()
}
