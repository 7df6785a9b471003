//! The codec for tonic. Requests remain bytes, and responses are encoded directly into its buffer.

use super::event;
use super::write_records::{write_included, write_records};
use bytes::{Buf, BufMut, Bytes};
use groundplan_codec::{Record, Stored, wire};
use groundplan_error::Error;
use groundplan_model::catalog::Model;
use groundplan_operations::{HistoryPage, Included, Page};
use groundplan_proto::query::v1::{AggregateResponse, Explanation};
use prost::Message as _;
use prost::encoding;
use std::sync::Arc;
use tonic::Status;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

/// The initial buffer of a call and the size at which a stream yields, in bytes. Most messages are small; tonic's default
/// is 8 KiB.
const BUFFERS: (usize, usize) = (1 << 10, 32 << 10);

/// A response message.
pub(super) enum Reply {
    Record {
        model: Arc<Model>,
        record: Record,
    },
    Page {
        /// The model of the records.
        model: Arc<Model>,
        page: Page,
    },
    Batch {
        model: Arc<Model>,
        records: Vec<Stored>,
        included: Included,
    },
    /// An event of a watch, encoded once for all watchers that share it.
    Event(Bytes),
    /// A page of a record's history.
    History {
        model: Arc<Model>,
        page: HistoryPage,
    },
    Aggregate(AggregateResponse),
    Explanation(Explanation),
    /// `google.protobuf.Empty`.
    Empty,
}

impl Reply {
    fn write(&self, out: &mut impl BufMut) -> Result<(), prost::EncodeError> {
        match self {
            Self::Record { model, record } => wire::encode(&model.shapes, model.shape, record, out),
            Self::Page { model, page } => {
                write_records(1, model, &page.records, out);
                if !page.next_page_token.is_empty() {
                    encoding::string::encode(2, &page.next_page_token, out);
                }
                if let Some(total) = page.total {
                    if total.size != 0 {
                        encoding::int64::encode(3, &total.size, out);
                    }
                    if total.is_estimate {
                        encoding::bool::encode(4, &true, out);
                    }
                }
                write_included((5, 6), &page.included, out);
            }
            Self::Batch { model, records, included } => {
                write_records(1, model, records, out);
                write_included((2, 3), included, out);
            }
            Self::Event(bytes) => out.put_slice(bytes),
            Self::History { model, page } => event::write_history(model, page, out),
            Self::Aggregate(response) => response.encode(out)?,
            Self::Explanation(explanation) => explanation.encode(out)?,
            Self::Empty => {}
        }
        Ok(())
    }
}

/// Decodes requests to bytes, and encodes a [`Reply`].
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
        // The buffer grows, so that its capacity is always sufficient.
        item.write(buffer).map_err(|error| Error::internal(error).into())
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
