//! The records that are at hand while relations are followed, and the room that is left for more.

use super::{MAX_BYTES, MAX_RECORDS, length};
use groundplan_codec::{Record, Stored, Value};
use groundplan_error::{Error, Reason};
use groundplan_model::catalog::Model;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Records by model and id.
pub(crate) struct Collected<'a> {
    /// The model of the records that were asked for.
    model: &'a Arc<Model>,
    asked: HashMap<&'a str, &'a Stored>,
    /// Whether the answer shows all of those, so that they need not be repeated.
    asked_are_shown: bool,
    /// By the model's full name, and by id, each in order.
    related: BTreeMap<String, (Arc<Model>, BTreeMap<String, Stored>)>,
    records: usize,
    bytes: usize,
}

impl<'a> Collected<'a> {
    /// Nothing beside the records that were asked for.
    pub(crate) fn beside(model: &'a Arc<Model>, records: &'a [Stored], are_shown: bool) -> Self {
        let asked = records.iter().map(|stored| (id_of(model, &stored.record), stored)).collect();
        Self { model, asked, asked_are_shown: are_shown, related: BTreeMap::new(), records: 0, bytes: 0 }
    }

    /// The ids of the records that were asked for, each once.
    pub(crate) fn asked_ids(&self) -> Vec<String> {
        let mut ids: Vec<String> = self.asked.keys().map(|id| (*id).to_owned()).collect();
        ids.sort();
        ids
    }

    /// A record that is at hand: whole, or one that was asked for, with at least what relations need.
    pub(crate) fn get(&self, model: &Model, id: &str) -> Option<&Record> {
        self.related(model, id).or_else(|| self.asked(model, id)).map(|stored| &stored.record)
    }

    /// Whether the answer has the whole record.
    pub(crate) fn has(&self, model: &Model, id: &str) -> bool {
        self.related(model, id).is_some() || self.asked_are_shown && self.asked(model, id).is_some()
    }

    fn related(&self, model: &Model, id: &str) -> Option<&Stored> {
        self.related.get(&model.full_name).and_then(|(_, records)| records.get(id))
    }

    fn asked(&self, model: &Model, id: &str) -> Option<&Stored> {
        self.asked.get(id).copied().filter(|_| self.model.full_name == model.full_name)
    }

    /// Takes a record that the answer does not have yet, if there is room for it.
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

    /// The related records.
    pub(crate) fn into_records(self) -> Vec<(Arc<Model>, Vec<Stored>)> {
        self.related.into_values().map(|(model, records)| (model, records.into_values().collect())).collect()
    }
}

/// The id of a record, which SQL may have left empty.
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
