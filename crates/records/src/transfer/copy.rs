//! PostgreSQL's binary COPY format.

use groundplan_chassis::database::Bind;

/// The file header: the signature, no flags, no extension.
pub(crate) const HEAD: &[u8] = b"PGCOPY\n\xFF\r\n\0\0\0\0\0\0\0\0\0";

/// The file trailer.
pub(crate) const TAIL: &[u8] = &[0xFF, 0xFF];

/// Starts a row with a number of columns.
pub(crate) fn start_row(columns: usize, out: &mut Vec<u8>) {
    // A table has at most 1,600 columns.
    out.extend_from_slice(&i16::try_from(columns).unwrap_or(i16::MAX).to_be_bytes());
}

/// Adds a column to the row.
pub(crate) fn column(value: &Bind, out: &mut Vec<u8>) {
    bytes(value.as_bytes(), out);
}

/// Adds a column with these bytes to the row; `None` is NULL.
pub(crate) fn bytes(value: Option<&[u8]>, out: &mut Vec<u8>) {
    match value {
        None => out.extend_from_slice(&(-1_i32).to_be_bytes()),
        Some(value) => {
            out.extend_from_slice(&i32::try_from(value.len()).unwrap_or(i32::MAX).to_be_bytes());
            out.extend_from_slice(value);
        }
    }
}
