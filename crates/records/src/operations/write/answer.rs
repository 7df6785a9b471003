//! The answer to writes, and how it is kept for repeats.

use super::planned::Planned;
use super::session::Session;
use super::transaction::Request;

use crate::operations::streamed::{FRAME_BYTES, MAX_ANSWER_BYTES};
use crate::store::request_ids::Answered;
use crate::table::Table;
use groundplan_codec::{Record, wire};
use groundplan_error::{Error, Reason};
use groundplan_operations::{Form, Writes, Written};
use groundplan_proto::records::v1::{Answer, AnsweredRecord};
use prost::Message as _;

/// How many bytes the records of an answer may have: an answer with one record is as long as the record may be.
pub(super) fn room(writes: &Writes) -> usize {
    if writes.form == Form::Single { usize::MAX } else { MAX_ANSWER_BYTES }
}

/// How many bytes a record has in an answer that shows it as it is, without its etag.
pub(super) fn length(table: &Table, record: &Record) -> usize {
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

/// Refuses an answer that clients would not take. Nothing is written then.
pub(super) fn check_size(writes: &Writes, planned: &[Planned<'_>], written: &Written) -> Result<(), Error> {
    let bytes = planned.iter().zip(&written.records).filter_map(|(write, stored)| {
        let model = &write.table.model;
        Some(FRAME_BYTES + wire::encoded_len(&model.shapes, model.shape, &stored.as_ref()?.record))
    });
    if writes.form == Form::Single || bytes.sum::<usize>() <= room(writes) { Ok(()) } else { Err(too_large()) }
}

/// The refusal of writes whose answer is too large.
pub(super) fn too_large() -> Error {
    let message = format!(
        "the records of the response exceed {MAX_ANSWER_BYTES} bytes together; nothing was written: write \
         fewer records per request"
    );
    Error::new(Reason::TooLarge, message)
}

/// What is kept: the records as the caller has seen them.
pub(super) fn encode(session: &Session<'_>, written: &Written) -> Vec<u8> {
    let records = session.answers.iter().zip(written.records.iter().zip(&written.created)).map(|answer| match answer {
        (Some((table, _, version)), (Some(stored), created)) => {
            let mut record = Vec::new();
            wire::encode(&table.model.shapes, table.model.shape, &stored.record, &mut record);
            AnsweredRecord { record, version: *version, created: *created }
        }
        _ => AnsweredRecord::default(),
    });
    Answer { records: records.collect(), attempts: i32::try_from(written.attempts).unwrap_or(i32::MAX) }.encode_to_vec()
}

/// The answer of the first call, for a repeat of it.
pub(super) fn repeat(planned: &[Planned<'_>], request: &Request<'_>, answered: &Answered) -> Result<Written, Error> {
    if answered.digest != request.digest {
        let message = "another call with this request id asked for something else; a new call needs a new request id";
        return Err(Error::new(Reason::RequestIdReused, message));
    }
    let Answer { records, attempts } = Answer::decode(answered.answer.as_slice()).map_err(Error::internal)?;
    let created = records.iter().map(|record| record.created).collect();
    let records = planned.iter().zip(records).map(|(write, AnsweredRecord { record, version, .. })| {
        if version == 0 {
            return Ok(None);
        }
        let model = &write.table.model;
        let record = wire::decode_stored(&model.shapes, model.shape, &record);
        record.map(|record| Some(write.table.show(record, version))).map_err(|error| Error::internal(error.to_string()))
    });
    let records = records.collect::<Result<_, Error>>()?;
    Ok(Written { records, created, attempts: u32::try_from(attempts).unwrap_or(1), is_repeat: true })
}
