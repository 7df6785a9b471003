//! Destinations of encoded bytes: a counter or a buffer.
//!
//! The length of a nested message is counted before it is written, and a counted message is only traversed once.

use super::WireType;
use bytes::BufMut;

/// A destination of bytes.
pub(super) trait Sink {
    fn bytes(&mut self, bytes: &[u8]);

    fn varint(&mut self, value: u64);

    /// Writes a length and its body.
    fn delimited(&mut self, body: &impl Body);

    fn tag(&mut self, number: u32, wire_type: WireType) {
        self.varint(u64::from(number) << 3 | wire_type as u64);
    }

    /// Writes a length and its bytes.
    fn delimited_bytes(&mut self, bytes: &[u8]) {
        self.varint(bytes.len() as u64);
        self.bytes(bytes);
    }
}

/// A length-delimited body.
pub(super) trait Body {
    fn write(&self, sink: &mut impl Sink);
}

/// Counts bytes.
pub(super) struct Counter(pub(super) usize);

impl Sink for Counter {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0 += bytes.len();
    }

    fn varint(&mut self, value: u64) {
        self.0 += (64 - (value | 1).leading_zeros()).div_ceil(7) as usize;
    }

    fn delimited(&mut self, body: &impl Body) {
        let before = self.0;
        body.write(self);
        self.varint((self.0 - before) as u64);
    }
}

/// Writes bytes to a buffer.
pub(super) struct Writer<'b, B>(pub(super) &'b mut B);

impl<B: BufMut> Sink for Writer<'_, B> {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.put_slice(bytes);
    }

    #[expect(clippy::cast_possible_truncation, reason = "only seven bits are left of it")]
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.put_u8((value & 0x7F | 0x80) as u8);
            value >>= 7;
        }
        self.0.put_u8(value as u8);
    }

    fn delimited(&mut self, body: &impl Body) {
        let mut counter = Counter(0);
        body.write(&mut counter);
        self.varint(counter.0 as u64);
        body.write(self);
    }
}
