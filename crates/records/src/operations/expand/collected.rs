//! The records that an expansion has read so far, within its limits.

use super::{MAX_BYTES, MAX_RECORDS, length};
use groundplan_codec::{Record, Stored, Value};
use groundplan_error::{Error, Reason};
use groundplan_model::catalog::Model;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The requested and the related records.
pub(crate) struct Collected<'a> {
    /// The model of the requested records.
    model: &'a Arc<Model>,
    asked: HashMap<&'a str, &'a Stored>,
    /// Whether the response shows the whole requested records, so that the expansion need not repeat them.
    asked_are_shown: bool,
    /// By the model's full name, then by id, both in order.
    related: BTreeMap<String, (Arc<Model>, BTreeMap<String, Stored>)>,
    records: usize,
    bytes: usize,
}

impl<'a> Collected<'a> {
    /// Creates a collection that has only the requested records.
    pub(crate) fn for_records(model: &'a Arc<Model>, records: &'a [Stored], are_shown: bool) -> Self {
        let asked = records.iter().map(|stored| (id_of(model, &stored.record), stored)).collect();
        Self { model, asked, asked_are_shown: are_shown, related: BTreeMap::new(), records: 0, bytes: 0 }
    }

    /// Returns the ids of the requested records, sorted, each once.
    pub(crate) fn asked_ids(&self) -> Vec<String> {
        let mut ids: Vec<String> = self.asked.keys().map(|id| (*id).to_owned()).collect();
        ids.sort();
        ids
    }

    /// Returns a related record, which is whole, or a requested record, which has at least the fields that relations need.
    pub(crate) fn get(&self, model: &Model, id: &str) -> Option<&Record> {
        self.related(model, id).or_else(|| self.asked(model, id)).map(|stored| &stored.record)
    }

    /// Returns whether the response has the whole record.
    pub(crate) fn has(&self, model: &Model, id: &str) -> bool {
        self.related(model, id).is_some() || self.asked_are_shown && self.asked(model, id).is_some()
    }

    fn related(&self, model: &Model, id: &str) -> Option<&Stored> {
        self.related.get(&model.full_name).and_then(|(_, records)| records.get(id))
    }

    fn asked(&self, model: &Model, id: &str) -> Option<&Stored> {
        self.asked.get(id).copied().filter(|_| self.model.full_name == model.full_name)
    }

    /// Adds a record that the response does not have yet. Returns an error if that exceeds a limit.
    pub(crate) fn add(&mut self, model: &Arc<Model>, id: String, stored: Stored) -> Result<(), Error> {
        self.records += 1;
        self.bytes += length(model, &stored);
        if self.records > MAX_RECORDS || self.bytes > MAX_BYTES {
            return Err(too_much());
        }
        let of_model = || (model.clone(), BTreeMap::new());
        self.related.entry(model.full_name.clone()).or_insert_with(of_model).1.insert(id, stored);
        Ok(())
    }

    /// Returns the related records.
    pub(crate) fn into_records(self) -> Vec<(Arc<Model>, Vec<Stored>)> {
        self.related.into_values().map(|(model, records)| (model, records.into_values().collect())).collect()
    }
}

/// Returns the id of a record, or an empty string if its row has none because of a change with SQL.
pub(crate) fn id_of<'a>(model: &Model, record: &'a Record) -> &'a str {
    match record.get(model.roles.id) {
        Some(Value::String(id)) => id,
        _ => "",
    }
}

fn too_much() -> Error {
    let message = format!(
        "the relations of expand lead to more than {MAX_RECORDS} records or {MAX_BYTES} bytes; ask for a smaller page, \
         or expand fewer relations"
    );
    Error::new(Reason::TooLarge, message)
}
