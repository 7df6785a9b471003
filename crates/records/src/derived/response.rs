//! Responses with records, and their metadata.

use super::codec::Reply;
use super::{ETAG, REPLAYED};
use groundplan_codec::Stored;
use groundplan_error::Error;
use groundplan_model::catalog::Model;
use groundplan_operations::{Included, Written};
use std::sync::Arc;
use tonic::Response;
use tonic::metadata::MetadataValue;

/// Returns the response with one record.
pub(super) fn one_record(model: &Arc<Model>, stored: Stored) -> Result<Response<Reply>, Error> {
    let etag = stored.etag.parse().map_err(Error::internal)?;
    let mut response = Response::new(Reply::Record { model: model.clone(), record: stored.record });
    response.metadata_mut().insert(ETAG, etag);
    Ok(response)
}

/// Returns the response to writes of one model: one record, several records, or an empty message after deletes.
pub(super) fn written_records(model: &Arc<Model>, is_single: bool, written: Written) -> Result<Response<Reply>, Error> {
    let is_repeat = written.is_repeat;
    let records: Vec<Stored> = written.records.into_iter().flatten().collect();
    let mut response = match (is_single, records) {
        (_, records) if records.is_empty() => Response::new(Reply::Empty),
        (true, records) => match records.into_iter().next() {
            Some(stored) => one_record(model, stored)?,
            None => Response::new(Reply::Empty),
        },
        (false, records) => {
            Response::new(Reply::Batch { model: model.clone(), records, included: Included::default() })
        }
    };
    if is_repeat {
        response.metadata_mut().insert(REPLAYED, MetadataValue::from_static("true"));
    }
    Ok(response)
}
