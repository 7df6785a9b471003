//! The unique values of records that have placeholders while the writes of one request run.

use crate::table::Table;
use groundplan_codec::Record;
use groundplan_model::catalog::Model;
use groundplan_query::column::Column;
use groundplan_query::id::Id;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The original values of records, by the full name of the model.
#[derive(Default)]
pub(crate) struct Parked(pub(crate) BTreeMap<String, OfModel>);

/// The parked records of a model.
pub(crate) struct OfModel {
    pub(crate) table: Arc<Table>,
    pub(crate) columns: Vec<Column>,
    /// The original values in these columns, and the index of the write that should change the record.
    pub(crate) records: HashMap<Id, (Record, usize)>,
}

impl Parked {
    /// Replaces placeholders in a record that was read with the original values.
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

    /// Removes a record after a write has replaced all its values.
    pub(crate) fn replaced(&mut self, model: &Model, id: &Id) {
        if let Some(parked) = self.0.get_mut(&model.full_name) {
            parked.records.remove(id);
        }
    }
}
