//! Reads the protobuf wire format field by field, as far as the derived request messages require.

/// The maximum length of a varint in bytes.
const MAX_VARINT: usize = 10;

/// The value of a field on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire<'a> {
    Varint(u64),
    Delimited(&'a [u8]),
    /// Four or eight bytes. No request message has such a field.
    Fixed,
}

/// The unread part of a message.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    /// Returns the next field's number and value; `None` at the end.
    ///
    /// # Errors
    /// The reason why the bytes are not a message.
    pub(crate) fn next(&mut self) -> Result<Option<(u32, Wire<'a>)>, &'static str> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let number = u32::try_from(key >> 3).ok().filter(|number| (1..1 << 29).contains(number));
        let number = number.ok_or("a field number is out of range")?;
        let value = match key & 7 {
            0 => Wire::Varint(self.varint()?),
            1 => self.take(8).map(|_| Wire::Fixed)?,
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| CUT_OFF)?;
                Wire::Delimited(self.take(length)?)
            }
            5 => self.take(4).map(|_| Wire::Fixed)?,
            _ => return Err("a wire type is not one of proto3"),
        };
        Ok(Some((number, value)))
    }

    fn varint(&mut self) -> Result<u64, &'static str> {
        let mut value = 0;
        for (at, byte) in self.0.iter().take(MAX_VARINT).enumerate() {
            let bits = u64::from(byte & 0x7F);
            // The tenth byte can have only one bit of the value.
            if at == MAX_VARINT - 1 && bits > 1 {
                break;
            }
            value |= bits << (7 * at);
            if byte & 0x80 == 0 {
                self.take(at + 1)?;
                return Ok(value);
            }
        }
        Err(if self.0.len() < MAX_VARINT { CUT_OFF } else { "a varint is longer than 64 bits" })
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], &'static str> {
        let (head, rest) = self.0.split_at_checked(length).ok_or(CUT_OFF)?;
        self.0 = rest;
        Ok(head)
    }
}

const CUT_OFF: &str = "it is cut off";

#[cfg(test)]
mod tests {
    use super::{Reader, Wire};

    #[test]
    fn fields_are_read_one_by_one() {
        let mut reader = Reader(&[0x0A, 2, b'h', b'i', 0x10, 0xAC, 0x02, 0x1D, 1, 2, 3, 4]);
        assert_eq!(reader.next(), Ok(Some((1, Wire::Delimited(b"hi")))));
        assert_eq!(reader.next(), Ok(Some((2, Wire::Varint(300)))));
        assert_eq!(reader.next(), Ok(Some((3, Wire::Fixed))));
        assert_eq!(reader.next(), Ok(None));
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for bytes in [
            &[0x0A][..],
            &[0x0A, 2, 1],
            &[0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1],
            &[0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 2],
            &[0x80; 12],
            &[0x00, 0],
            &[0x0B],
            &[0x0D, 1, 2, 3],
        ] {
            assert!(Reader(bytes).next().is_err(), "{bytes:?}");
        }
    }
}
