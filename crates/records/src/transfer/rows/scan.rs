//! Looking for the ends of rows.

/// Where a scan of quoted rows is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quote {
    /// At the start of a cell: only there does a quote open one.
    Start,
    Plain,
    Inside,
    /// Behind a quote that closes, or is the first of two.
    Closing,
}

/// The end of a row: a line feed that is not within quotes.
pub(super) fn end_of_quoted(rest: &[u8], quote: &mut Quote, line: &mut u64) -> Option<usize> {
    for (at, byte) in rest.iter().enumerate() {
        *quote = match (*quote, byte) {
            (Quote::Inside, b'"') => Quote::Closing,
            (Quote::Inside, b'\n') => {
                *line += 1;
                Quote::Inside
            }
            (Quote::Inside, _) | (Quote::Start | Quote::Closing, b'"') => Quote::Inside,
            (_, b'\n') => return Some(at),
            (_, b',') => Quote::Start,
            _ => Quote::Plain,
        };
    }
    None
}

/// What stands at the beginning of a message.
pub(super) enum Varint {
    /// The number, and how many bytes it has.
    Whole(u64, usize),
    Cut,
    Wrong,
}

/// Reads a varint at the beginning of two pieces.
pub(super) fn varint(first: &[u8], then: &[u8]) -> Varint {
    let mut value = 0_u64;
    for (at, byte) in first.iter().chain(then).enumerate().take(10) {
        let bits = u64::from(byte & 0x7F);
        if at == 9 && bits > 1 {
            return Varint::Wrong;
        }
        value |= bits << (7 * at);
        if byte & 0x80 == 0 {
            return Varint::Whole(value, at + 1);
        }
    }
    if first.len() + then.len() < 10 { Varint::Cut } else { Varint::Wrong }
}
