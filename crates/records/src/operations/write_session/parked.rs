//! The unique values of records that have placeholders while the writes of one request run.

use crate::table::Table;
use groundplan_codec::Record;
use groundplan_model::catalog::Model;
use groundplan_query::column::Column;
use groundplan_query::id::Id;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The values that records had, by the full name of the model.
#[derive(Default)]
pub(crate) struct Parked(pub(crate) BTreeMap<String, OfModel>);

/// The parked records of a model.
pub(crate) struct OfModel {
    pub(crate) table: Arc<Table>,
    pub(crate) columns: Vec<Column>,
    /// What they had in these columns, and the place of the write that is to change them.
    pub(crate) records: HashMap<Id, (Record, usize)>,
}

impl Parked {
    /// Gives a record that was read its own values in place of placeholders.
    pub(crate) fn restore(&self, model: &Model, id: &Id, record: &mut Record) {
        let Some(parked) = self.0.get(&model.full_name) else { return };
        let Some((before, _)) = parked.records.get(id) else { return };
        for column in &parked.columns {
            record.set(column.field, before.get(column.field).cloned());
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Notes that a write has given a record all its values.
    pub(crate) fn replaced(&mut self, model: &Model, id: &Id) {
        if let Some(parked) = self.0.get_mut(&model.full_name) {
            parked.records.remove(id);
        }
    }
}
