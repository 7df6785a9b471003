//! The response to writes, and its stored form for repeats.

use super::request::Request;
use crate::operations::write_session::{Planned, Session};

use crate::store::request_ids::Answered;
use groundplan_codec::wire;
use groundplan_error::{Error, Reason};
use groundplan_operations::Written;
use groundplan_proto::records::v1::{Answer, AnsweredRecord};
use prost::Message as _;

/// Encodes the response to store: the records as the caller sees them.
pub(crate) fn encode(session: &Session<'_>, written: &Written) -> Vec<u8> {
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

/// Returns the response of the first call, for a repeat of it. Returns an error if the calls have different writes.
pub(crate) fn repeat(planned: &[Planned<'_>], request: &Request<'_>, answered: &Answered) -> Result<Written, Error> {
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
