//! The size limits of the response to writes.

use super::planned::Planned;
use crate::streamed::{FRAME_BYTES, MAX_ANSWER_BYTES};
use crate::table::Table;
use groundplan_codec::{Record, wire};
use groundplan_error::{Error, Reason};
use groundplan_operations::{Form, Writes, Written};

/// Returns the most bytes of the records in a response. In a response with one record, the record has no limit here.
pub(crate) fn response_capacity(writes: &Writes) -> usize {
    if writes.form == Form::Single { usize::MAX } else { MAX_ANSWER_BYTES }
}

/// Returns the size of a record in a response that shows it as it is, without its etag, in bytes.
pub(crate) fn record_size(table: &Table, record: &Record) -> usize {
    let model = &table.model;
    let length = |record: &Record| FRAME_BYTES + wire::encoded_len(&model.shapes, model.shape, record);
    match table.behaviors.hides_input() {
        true => {
            let mut shown = record.clone();
            table.behaviors.hide_input_only(model, &mut shown);
            length(&shown)
        }
        false => length(record),
    }
}

/// Returns the error for writes whose response is too large.
pub(crate) fn too_large() -> Error {
    let message = format!(
        "the records of the response exceed {MAX_ANSWER_BYTES} bytes together; nothing was written: write \
         fewer records per request"
    );
    Error::new(Reason::TooLarge, message)
}

/// Returns an error if clients would not accept the response. In that case, nothing is written.
pub(crate) fn check_size(writes: &Writes, planned: &[Planned<'_>], written: &Written) -> Result<(), Error> {
    let bytes = planned.iter().zip(&written.records).filter_map(|(write, stored)| {
        let model = &write.table.model;
        Some(FRAME_BYTES + wire::encoded_len(&model.shapes, model.shape, &stored.as_ref()?.record))
    });
    if writes.form == Form::Single || bytes.sum::<usize>() <= response_capacity(writes) {
        Ok(())
    } else {
        Err(too_large())
    }
}
