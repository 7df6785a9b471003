//! Reading rows without copying: a column is the bytes that PostgreSQL sent.

use super::{POSTGRES_EPOCH, PgRow};
use diesel::QueryResult;
use diesel::result::Error;
use diesel::row::{Field as _, Row as _};

/// The version of the binary format of `jsonb`, its first byte.
pub(super) const JSONB_VERSION: u8 = 1;

const MICROSECONDS_A_DAY: i64 = 86_400_000_000;

/// The columns of a row, by position. A NULL is `None`.
pub trait Columns {
    /// Passes the bytes of a column to `read`.
    fn bytes<R>(&self, column: usize, read: impl FnOnce(Option<&[u8]>) -> R) -> QueryResult<R>;

    /// Returns a `bigint` or a `timestamptz` (in PostgreSQL's own epoch).
    fn i64(&self, column: usize) -> QueryResult<Option<i64>> {
        self.array(column).map(|bytes| bytes.map(i64::from_be_bytes))
    }

    /// Returns an `integer`.
    fn i32(&self, column: usize) -> QueryResult<Option<i32>> {
        self.array(column).map(|bytes| bytes.map(i32::from_be_bytes))
    }

    /// Returns a `boolean`.
    fn bool(&self, column: usize) -> QueryResult<Option<bool>> {
        self.array(column).map(|bytes| bytes.map(|[byte]: [u8; 1]| byte != 0))
    }

    /// Returns a `text`.
    fn text(&self, column: usize) -> QueryResult<Option<String>> {
        self.bytes(column, |bytes| {
            let text = bytes.map(|bytes| std::str::from_utf8(bytes).map(ToOwned::to_owned)).transpose();
            text.map_err(|error| Error::DeserializationError(error.into()))
        })?
    }

    /// Returns a column of exactly `N` bytes.
    fn array<const N: usize>(&self, column: usize) -> QueryResult<Option<[u8; N]>> {
        self.bytes(column, |bytes| {
            let array = bytes.map(<[u8; N]>::try_from).transpose();
            array.map_err(|_| Error::DeserializationError(format!("column {column} does not have {N} bytes").into()))
        })?
    }
}

impl Columns for PgRow {
    fn bytes<R>(&self, column: usize, read: impl FnOnce(Option<&[u8]>) -> R) -> QueryResult<R> {
        let Some(field) = self.get(column) else {
            return Err(Error::DeserializationError(format!("the row has no column {column}").into()));
        };
        let value = field.value();
        Ok(read(value.as_ref().map(|value| value.as_bytes())))
    }
}

/// Decodes a `timestamptz` to microseconds since the Unix epoch; none for infinities and values out of range.
pub fn decode_timestamptz(bytes: &[u8]) -> Option<i64> {
    match i64::from_be_bytes(bytes.try_into().ok()?) {
        i64::MIN | i64::MAX => None,
        microseconds => microseconds.checked_add(POSTGRES_EPOCH),
    }
}

/// Decodes an `interval` to microseconds. SQL users can store days and months in it: a month counts 30 days.
pub fn decode_interval(bytes: &[u8]) -> Option<i64> {
    let (microseconds, rest) = bytes.split_first_chunk::<8>()?;
    let (days, months) = rest.split_first_chunk::<4>()?;
    let months = i64::from(i32::from_be_bytes(months.try_into().ok()?));
    let days = i64::from(i32::from_be_bytes(*days)) + 30 * months;
    days.checked_mul(MICROSECONDS_A_DAY)?.checked_add(i64::from_be_bytes(*microseconds))
}

/// Returns the JSON text of a `jsonb`.
pub fn decode_jsonb(bytes: &[u8]) -> Option<&[u8]> {
    bytes.split_first().filter(|(version, _)| **version == JSONB_VERSION).map(|(_, json)| json)
}

/// Decodes a `numeric` to a u64; none if it is negative, too large, not a number, or has a fraction.
pub fn decode_numeric_u64(bytes: &[u8]) -> Option<u64> {
    let (header, mut digits) = bytes.split_first_chunk::<8>()?;
    let [count, weight, sign, _scale] = [0, 2, 4, 6].map(|at| u16::from_be_bytes([header[at], header[at + 1]]));
    if sign != 0 || digits.len() != usize::from(count) * 2 {
        return None;
    }
    let mut value: u64 = 0;
    // Omitted trailing digits are zeros; digits of the fraction must be zero.
    let whole = usize::from(weight.cast_signed().checked_add(1)?.max(0).cast_unsigned());
    for _ in 0..whole {
        let digit = take_digit(&mut digits).unwrap_or(0);
        value = value.checked_mul(10_000)?.checked_add(u64::from(digit))?;
    }
    while let Some(digit) = take_digit(&mut digits) {
        if digit != 0 {
            return None;
        }
    }
    Some(value)
}

/// Takes the next digit of base 10,000.
fn take_digit(digits: &mut &[u8]) -> Option<u16> {
    let (digit, rest) = digits.split_first_chunk::<2>()?;
    *digits = rest;
    Some(u16::from_be_bytes(*digit))
}

/// Decodes the elements of a one-dimensional array, a NULL as `None`; none if the bytes are not an array. Arrays of several
/// dimensions, which SQL users can store, are read in row order.
pub fn decode_array(bytes: &[u8]) -> Option<impl Iterator<Item = Option<&[u8]>>> {
    let (dimensions, rest) = take_i32(bytes)?;
    let (_has_null, rest) = take_i32(rest)?;
    let (_element, mut rest) = take_i32(rest)?;
    let mut count = usize::from(dimensions > 0);
    for _ in 0..dimensions {
        let (length, after) = take_i32(rest)?;
        let (_lower_bound, after) = take_i32(after)?;
        count = count.checked_mul(usize::try_from(length).ok()?)?;
        rest = after;
    }
    let mut elements = Vec::with_capacity(count.min(bytes.len() / 4));
    for _ in 0..count {
        let (length, after) = take_i32(rest)?;
        rest = after;
        match usize::try_from(length) {
            Err(_) => elements.push(None),
            Ok(length) => {
                let (element, after) = rest.split_at_checked(length)?;
                elements.push(Some(element));
                rest = after;
            }
        }
    }
    Some(elements.into_iter())
}

/// Takes the next big-endian number.
fn take_i32(bytes: &[u8]) -> Option<(i32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    Some((i32::from_be_bytes(*number), rest))
}

#[cfg(test)]
mod tests {
    use super::{decode_array, decode_interval, decode_numeric_u64, decode_timestamptz};
    use crate::database::{Bind, oid};

    #[test]
    fn numerics_round_trip() {
        for value in [0, 1, 9_999, 10_000, 10_001, 100_000_000, 123_456_789, u64::from(u32::MAX), 1 << 63, u64::MAX] {
            assert_eq!(decode_numeric_u64(Bind::numeric(value).as_bytes().unwrap()), Some(value), "{value}");
        }
    }

    #[test]
    fn numerics_outside_of_u64_are_rejected() {
        let numeric = |weight: i16, sign: u16, digits: &[u16]| {
            let count = u16::try_from(digits.len()).unwrap();
            let words = [count, weight.cast_unsigned(), sign, 0].into_iter().chain(digits.iter().copied());
            decode_numeric_u64(&words.flat_map(u16::to_be_bytes).collect::<Vec<u8>>())
        };
        assert_eq!(numeric(0, 0, &[7]), Some(7));
        assert_eq!(numeric(0, 0, &[7, 0]), Some(7), "7.0000");
        assert_eq!(numeric(0, 0x4000, &[7]), None, "-7");
        assert_eq!(numeric(0, 0xC000, &[]), None, "NaN");
        assert_eq!(numeric(0, 0, &[7, 5_000]), None, "7.5");
        assert_eq!(numeric(-1, 0, &[5_000]), None, "0.5");
        assert_eq!(numeric(4, 0, &[1_844, 6_744, 737, 955, 1_616]), None, "2^64");
        assert_eq!(numeric(i16::MAX, 0, &[1]), None, "very large");
        assert_eq!(decode_numeric_u64(&[0; 7]), None, "truncated");
    }

    #[test]
    fn arrays_round_trip() {
        for items in [vec![], vec![Bind::text("a"), Bind::Null, Bind::text("")], vec![Bind::Null]] {
            let array = Bind::array(oid::TEXT, &items);
            let decoded: Vec<_> = decode_array(array.as_bytes().unwrap()).unwrap().collect();
            assert_eq!(decoded, items.iter().map(Bind::as_bytes).collect::<Vec<_>>());
        }
    }

    #[test]
    fn truncated_arrays_are_rejected() {
        let whole = Bind::array(oid::TEXT, &[Bind::text("abc"), Bind::text("d")]);
        let whole = whole.as_bytes().unwrap();
        for length in 0..whole.len() {
            assert!(decode_array(&whole[..length]).is_none(), "{length}");
        }
        let huge: Vec<u8> = [1, 0, 25, i32::MAX, 1].into_iter().flat_map(i32::to_be_bytes).collect();
        assert!(decode_array(&huge).is_none());
    }

    #[test]
    fn intervals_fold_days_and_months() {
        let interval = |microseconds: i64, days: i32, months: i32| {
            let mut bytes = microseconds.to_be_bytes().to_vec();
            bytes.extend(days.to_be_bytes());
            bytes.extend(months.to_be_bytes());
            decode_interval(&bytes)
        };
        assert_eq!(interval(5, 0, 0), Some(5));
        assert_eq!(interval(-1, 1, 0), Some(86_399_999_999));
        assert_eq!(interval(0, 1, 2), Some(61 * 86_400_000_000));
        assert_eq!(interval(i64::MAX, 1, 0), None);
    }

    #[test]
    fn infinities_are_not_timestamps() {
        assert_eq!(decode_timestamptz(Bind::timestamptz(0).as_bytes().unwrap()), Some(0));
        assert_eq!(decode_timestamptz(&i64::MAX.to_be_bytes()), None);
        assert_eq!(decode_timestamptz(&i64::MIN.to_be_bytes()), None);
    }
}
