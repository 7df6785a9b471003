//! The frames of an HTTP/2 connection: their headers only (RFC 9113, 4.1).

/// The length of a frame's header, in bytes.
const HEADER: usize = 9;

/// The payload is a part of a request or a response.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
/// A call is cancelled.
const RST_STREAM: u8 = 3;
const END_STREAM: u8 = 1;

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    /// The length of the payload, in bytes.
    pub(super) length: u32,
    kind: u8,
    flags: u8,
}

impl Frame {
    fn parse([high, middle, low, kind, flags, ..]: [u8; HEADER]) -> Self {
        Self { length: u32::from_be_bytes([0, high, middle, low]), kind, flags }
    }

    pub(super) fn is_data(self) -> bool {
        self.kind == DATA
    }

    pub(super) fn is_reset(self) -> bool {
        self.kind == RST_STREAM
    }

    /// Returns whether the frame advances a call. All others are about the connection, or empty.
    pub(super) fn is_call_progress(self) -> bool {
        match self.kind {
            DATA => self.length > 0 || self.flags & END_STREAM != 0,
            HEADERS => true,
            _ => false,
        }
    }
}

/// Finds the frames in chunks of bytes.
#[derive(Debug)]
pub(super) struct FrameReader {
    /// The number of bytes before the next header.
    skip: usize,
    header: [u8; HEADER],
    filled: usize,
}

impl FrameReader {
    /// Creates a reader whose first frame starts after `skip` bytes.
    pub(super) fn after_prefix(skip: usize) -> Self {
        Self { skip, header: [0; HEADER], filled: 0 }
    }

    /// Reads the next bytes, and calls `on_frame` for each complete header.
    pub(super) fn read(&mut self, mut bytes: &[u8], mut on_frame: impl FnMut(Frame)) {
        while !bytes.is_empty() {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = bytes.get(skipped..).unwrap_or_default();
            let (Some(space), copied) = (self.header.get_mut(self.filled..), (HEADER - self.filled).min(bytes.len()))
            else {
                return;
            };
            let (part, rest) = bytes.split_at(copied);
            space.iter_mut().zip(part).for_each(|(to, from)| *to = *from);
            self.filled += copied;
            bytes = rest;
            if self.filled == HEADER {
                let frame = Frame::parse(self.header);
                self.skip = frame.length as usize;
                self.filled = 0;
                on_frame(frame);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Frame, FrameReader};

    fn frame(length: u32, kind: u8, flags: u8) -> Vec<u8> {
        let mut bytes = length.to_be_bytes()[1..].to_vec();
        bytes.extend([kind, flags, 0, 0, 0, 1]);
        bytes.extend(vec![7; length as usize]);
        bytes
    }

    #[test]
    fn frames_are_found_across_chunks() {
        let sent = [(0, 4, 0), (5, 1, 4), (70_000, 0, 0), (0, 0, 1), (8, 6, 0)];
        let bytes: Vec<u8> = sent.iter().fold(vec![9; 24], |mut all, (length, kind, flags)| {
            all.extend(frame(*length, *kind, *flags));
            all
        });
        let expected: Vec<Frame> = sent.map(|(length, kind, flags)| Frame { length, kind, flags }).to_vec();
        for size in [1, 2, 8, 9, 10, 1_000, bytes.len()] {
            let (mut frames, mut found_frames) = (FrameReader::after_prefix(24), Vec::new());
            bytes.chunks(size).for_each(|chunk| frames.read(chunk, |frame| found_frames.push(frame)));
            assert_eq!(found_frames, expected, "in pieces of {size}");
        }
    }

    #[test]
    fn only_some_frames_advance_a_call() {
        let useful = |length, kind, flags| Frame { length, kind, flags }.is_call_progress();
        assert!(useful(1, 0, 0) && useful(0, 0, 1) && useful(10, 1, 0));
        // Empty DATA, PRIORITY, RST_STREAM, SETTINGS, PING, WINDOW_UPDATE, CONTINUATION, and unknown frames.
        assert!(!useful(0, 0, 0) && [2, 3, 4, 6, 8, 9, 99].iter().all(|kind| !useful(4, *kind, 0)));
    }
}
