//! Encodes the messages of watches and histories field by field, because they contain records.

use super::write_records::write_record;
use crate::clock::timestamp;
use bytes::{BufMut, Bytes, BytesMut};
use groundplan_codec::{Record, wire};
use groundplan_model::catalog::Model;
use groundplan_operations::{HistoryPage, LazyRecord, RecordRevision, WatchEvent};
use groundplan_proto::records::v1::WatchManyResponse;
use groundplan_proto::watch::v1::Removal;
use prost::Message as _;
use prost::encoding::{self, WireType, encode_key, encode_varint};

/// Encodes an event as the derived `Watch…Response` of its model.
pub(super) fn of_model(event: &WatchEvent) -> Bytes {
    let mut out = BytesMut::new();
    encoding::int32::encode(1, &(event.kind as i32), &mut out);
    for (number, record) in [(2, &event.record), (3, &event.previous)] {
        if let (Some(model), Some(record)) = (&event.model, record) {
            write_field(number, model, &record.get(), &mut out);
        }
    }
    write_mask(4, &event.changed_fields, &mut out);
    if event.removal != Removal::Unspecified {
        encoding::int32::encode(5, &(event.removal as i32), &mut out);
    }
    write_text(6, &event.token, &mut out);
    write_text(7, &event.transaction, &mut out);
    if let Some(time) = event.time {
        encoding::message::encode(8, &timestamp(time), &mut out);
    }
    out.freeze()
}

/// Converts an event of a watch of several models.
pub(crate) fn of_many(event: &WatchEvent) -> WatchManyResponse {
    let any = |record: &Option<LazyRecord>| {
        let (model, record) = event.model.as_ref().zip(record.as_ref())?;
        let record = record.get();
        let mut value = Vec::with_capacity(wire::encoded_len(&model.shapes, model.shape, &record));
        wire::encode(&model.shapes, model.shape, &record, &mut value);
        Some(prost_types::Any { type_url: format!("type.googleapis.com/{}", model.full_name), value })
    };
    let paths = event.changed_fields.clone();
    WatchManyResponse {
        kind: event.kind.into(),
        model: event.model.as_ref().map(|model| model.full_name.clone()).unwrap_or_default(),
        record: any(&event.record),
        previous: any(&event.previous),
        changed_fields: (!paths.is_empty()).then_some(prost_types::FieldMask { paths }),
        removal: event.removal.into(),
        token: event.token.clone(),
        transaction: event.transaction.clone(),
        time: event.time.map(timestamp),
    }
}

/// Encodes a page of a history as the derived `List…RevisionsResponse`.
pub(super) fn write_history(model: &Model, page: &HistoryPage, out: &mut impl BufMut) {
    for revision in &page.revisions {
        let mut message = BytesMut::new();
        write_revision(model, revision, &mut message);
        encode_key(1, WireType::LengthDelimited, out);
        encode_varint(message.len() as u64, out);
        out.put_slice(&message);
    }
    if !page.next_page_token.is_empty() {
        encoding::string::encode(2, &page.next_page_token, out);
    }
}

fn write_revision(model: &Model, revision: &RecordRevision, out: &mut BytesMut) {
    encoding::int32::encode(1, &(revision.kind as i32), out);
    write_field(2, model, &revision.stored.record, out);
    encoding::message::encode(3, &timestamp(revision.time), out);
    write_text(4, &revision.stored.etag, out);
    write_mask(5, &revision.changed_fields, out);
    write_text(6, &revision.principal, out);
    write_text(7, &revision.transaction, out);
}

fn write_field(number: u32, model: &Model, record: &Record, out: &mut BytesMut) {
    encode_key(number, WireType::LengthDelimited, out);
    write_record(model, record, out);
}

fn write_mask(number: u32, paths: &[String], out: &mut BytesMut) {
    if !paths.is_empty() {
        let mask = prost_types::FieldMask { paths: paths.to_vec() };
        encode_key(number, WireType::LengthDelimited, out);
        encode_varint(mask.encoded_len() as u64, out);
        encoding::string::encode_repeated(1, &mask.paths, out);
    }
}

fn write_text(number: u32, text: &String, out: &mut BytesMut) {
    if !text.is_empty() {
        encoding::string::encode(number, text, out);
    }
}
