//! Messages as tonic sees them: requests stay bytes, answers are written straight into its buffer.

use bytes::{Buf, BufMut, Bytes};
use groundplan_codec::{Record, wire};
use groundplan_model::catalog::Model;
use groundplan_rest::Page;
use prost::encoding::{WireType, encode_key, encode_varint};
use std::sync::Arc;
use tonic::Status;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

/// The first buffer of a call, and when a stream yields. Most messages are small; tonic's own default is 8 KiB.
const BUFFERS: (usize, usize) = (1 << 10, 32 << 10);

/// The numbers of the fields of a list's response.
const RECORDS: u32 = 1;
const NEXT_PAGE_TOKEN: u32 = 2;

/// What a call answers.
pub(super) enum Reply {
    Record {
        model: Arc<Model>,
        record: Record,
    },
    Page {
        model: Arc<Model>,
        page: Page,
    },
    /// `google.protobuf.Empty`.
    Empty,
}

impl Reply {
    fn write(&self, out: &mut impl BufMut) {
        match self {
            Self::Record { model, record } => wire::encode(&model.shapes, model.shape, record, out),
            Self::Page { model, page } => {
                for stored in &page.records {
                    encode_key(RECORDS, WireType::LengthDelimited, out);
                    encode_length(wire::encoded_len(&model.shapes, model.shape, &stored.record), out);
                    wire::encode(&model.shapes, model.shape, &stored.record, out);
                }
                if !page.next_page_token.is_empty() {
                    encode_key(NEXT_PAGE_TOKEN, WireType::LengthDelimited, out);
                    encode_length(page.next_page_token.len(), out);
                    out.put_slice(page.next_page_token.as_bytes());
                }
            }
            Self::Empty => {}
        }
    }
}

fn encode_length(length: usize, out: &mut impl BufMut) {
    encode_varint(length as u64, out);
}

/// Bytes in, [`Reply`] out.
#[derive(Clone, Copy)]
pub(super) struct RawCodec;

impl Codec for RawCodec {
    type Encode = Reply;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for RawCodec {
    type Item = Reply;
    type Error = Status;

    fn encode(&mut self, item: Reply, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        item.write(buffer);
        Ok(())
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(BUFFERS.0, BUFFERS.1)
    }
}

impl Decoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(BUFFERS.0, BUFFERS.1)
    }
}
