//! How large the response to writes can be.

use super::planned::Planned;
use crate::streamed::{FRAME_BYTES, MAX_ANSWER_BYTES};
use crate::table::Table;
use groundplan_codec::{Record, wire};
use groundplan_error::{Error, Reason};
use groundplan_operations::{Form, Writes, Written};

/// How many bytes the records of an answer may have: an answer with one record is as long as the record may be.
pub(crate) fn response_capacity(writes: &Writes) -> usize {
    if writes.form == Form::Single { usize::MAX } else { MAX_ANSWER_BYTES }
}

/// How many bytes a record has in an answer that shows it as it is, without its etag.
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

/// The refusal of writes whose answer is too large.
pub(crate) fn too_large() -> Error {
    let message = format!(
        "the records of the response exceed {MAX_ANSWER_BYTES} bytes together; nothing was written: write \
         fewer records per request"
    );
    Error::new(Reason::TooLarge, message)
}

/// Refuses an answer that clients would not take. Nothing is written then.
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
