//! The records that are there, as the writers know them. They share them, and come before each other.

use super::filters::{NUMBERS, WORDS};
use crate::stubs::Entity;
use rand::RngExt as _;
use rand::rngs::StdRng;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// So many records change much more often than the others, so that writers come before each other.
const HOT: usize = 8;

/// A record as it was last seen.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) id: String,
    pub(super) version: i64,
    pub(super) etag: String,
}

/// What a writer does next.
pub(super) enum Step {
    Create,
    Update(Known),
    Delete(Known),
}

/// The records.
pub(super) struct Pool {
    known: Mutex<Vec<Known>>,
    wanted: usize,
}

impl Pool {
    pub(super) fn new(wanted: usize) -> Self {
        Self { known: Mutex::default(), wanted }
    }

    /// Chooses what to do, so that there are about as many records as are wanted.
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

    /// A record is there, as it is now. What is known to be newer stays.
    pub(super) fn put(&self, record: Known) {
        let mut known = self.known();
        match known.iter_mut().find(|known| known.id == record.id) {
            Some(found) if found.version < record.version => *found = record,
            Some(_) => {}
            None => known.push(record),
        }
    }

    /// A record is there no more.
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

/// A record of a version: its text says which it is, and who wrote it.
pub(super) fn entity(id: &str, version: i64, writer: u16, chance: &mut StdRng) -> Entity {
    let word = WORDS.get(chance.random_range(0..WORDS.len())).copied().unwrap_or_default();
    Entity {
        id: id.to_owned(),
        field1: format!("{word} {version} by {writer}"),
        field2: f64::from(chance.random_range(0..NUMBERS)),
        ..Entity::default()
    }
}

/// The version that a record's text says; 0 for the end.
pub(super) fn version(entity: &Entity) -> i64 {
    entity.field1.split(' ').nth(1).and_then(|version| version.parse().ok()).unwrap_or_default()
}
