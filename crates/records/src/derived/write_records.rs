//! Encodes records in messages, directly into the buffer.

use bytes::BufMut;
use groundplan_codec::{Record, Stored, wire};
use groundplan_model::catalog::Model;
use groundplan_operations::Included;
use prost::encoding::{self, WireType, encode_key, encode_varint, encoded_len_varint, key_len};

pub(super) fn write_records(number: u32, model: &Model, records: &[Stored], out: &mut impl BufMut) {
    for stored in records {
        encode_key(number, WireType::LengthDelimited, out);
        write_record(model, &stored.record, out);
    }
}

/// Writes a record after its length.
pub(super) fn write_record(model: &Model, record: &Record, out: &mut impl BufMut) {
    encode_length(wire::encoded_len(&model.shapes, model.shape, record), out);
    wire::encode(&model.shapes, model.shape, record, out);
}

/// Writes the related records as `google.protobuf.Any`, and the page tokens as a map. `numbers` are the numbers of the two
/// fields.
pub(super) fn write_included(numbers: (u32, u32), included: &Included, out: &mut impl BufMut) {
    for (model, records) in &included.records {
        let type_url = format!("type.googleapis.com/{}", model.full_name);
        for stored in records {
            let length = wire::encoded_len(&model.shapes, model.shape, &stored.record);
            let value = key_len(2) + encoded_len_varint(length as u64) + length;
            encode_key(numbers.0, WireType::LengthDelimited, out);
            encode_length(encoding::string::encoded_len(1, &type_url) + value, out);
            encoding::string::encode(1, &type_url, out);
            encode_key(2, WireType::LengthDelimited, out);
            write_record(model, &stored.record, out);
        }
    }
    let string = (encoding::string::encode, encoding::string::encoded_len);
    encoding::btree_map::encode(string.0, string.1, string.0, string.1, numbers.1, &included.page_tokens, out);
}

fn encode_length(length: usize, out: &mut impl BufMut) {
    encode_varint(length as u64, out);
}
