//! One planned write, as far as it is known before records are read.

use super::write_path::WritePath;
use crate::operations::transform::Transform;
use crate::table::Table;
use crate::tx_error::TxError;
use groundplan_codec::Record;
use groundplan_codec::mask::UpdateMask;
use groundplan_query::Compiled;
use groundplan_query::id::Id;
use std::sync::Arc;

/// One planned write.
pub(crate) struct Planned<'a> {
    pub(crate) place: WritePath<'a>,
    pub(crate) table: Arc<Table>,
    pub(crate) id: Id,
    /// The version that the record must have.
    pub(crate) wanted: Option<i64>,
    pub(crate) condition: Option<Arc<Compiled>>,
    pub(crate) action: Action,
}

impl Planned<'_> {
    /// Returns whether the write evaluates expressions while it holds a connection.
    pub(crate) fn evaluates(&self) -> bool {
        self.condition.is_some() || self.table.has_expressions
    }
}

/// The action on the record.
pub(crate) enum Action {
    /// The record, with its id.
    Create(Record),
    Update(Change),
    Delete {
        allow_missing: bool,
    },
    Undelete,
    Verify {
        is_missing: bool,
    },
}

/// The change of a record by an update.
pub(crate) struct Change {
    /// The sent fields, without the operands of the transforms.
    pub(crate) update: Record,
    pub(crate) mask: UpdateMask,
    pub(crate) transforms: Vec<Transform>,
    /// The whole record as it was sent, if it should be created where it is missing.
    pub(crate) missing: Option<Record>,
}

pub(crate) fn ids_of<'p>(writes: &'p [Planned<'_>]) -> impl Iterator<Item = &'p Id> {
    writes.iter().map(|write| &write.id)
}

/// Adds the path of the first of several writes to an error about their cascades.
pub(crate) fn within_first(stop: TxError, writes: &[Planned<'_>]) -> TxError {
    match (stop, writes.first()) {
        (TxError::Rejected(error), Some(write)) => TxError::Rejected(error.within(&write.place.item())),
        (stop, _) => stop,
    }
}
