//! Finds the ends of rows.

/// The state of a scan of quoted rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quote {
    /// At the start of a cell, where a quote opens a quoted cell.
    Start,
    Plain,
    Inside,
    /// After a closing quote, or the first of a doubled quote.
    Closing,
}

/// Returns the position of the first line feed outside of quotes.
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

/// The result of reading the length of a message.
pub(super) enum Varint {
    /// The number and its size in bytes.
    Whole(u64, usize),
    Cut,
    Wrong,
}

/// Reads a varint at the start of two consecutive slices.
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
