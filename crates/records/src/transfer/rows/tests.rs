use super::{Framing, Rows};
use bytes::Bytes;
use prost::encoding::encode_varint;

/// A row: its line, its text or the violated rule, and whether its line end is missing.
type Seen = (u64, Result<Vec<u8>, String>, bool);

fn cut(framing: Framing, limit: usize, chunks: &[&[u8]]) -> Vec<Seen> {
    let mut rows = Rows::new(framing, limit);
    let mut seen = Vec::new();
    let take = |rows: &mut Rows, seen: &mut Vec<Seen>| {
        while let Some(row) = rows.next().unwrap() {
            seen.push((row.line, row.content.map(<[u8]>::to_vec).map_err(|row_error| row_error.rule), row.is_cut));
        }
    };
    for chunk in chunks {
        rows.feed(Bytes::copy_from_slice(chunk));
        take(&mut rows, &mut seen);
    }
    rows.finish();
    take(&mut rows, &mut seen);
    seen
}

/// Splits bytes at each position, at each pair of positions, and into single bytes, and checks that the rows are the same.
fn everywhere(framing: Framing, limit: usize, bytes: &[u8]) -> Vec<Seen> {
    let whole = cut(framing, limit, &[bytes]);
    for at in 0..=bytes.len() {
        let (left, right) = bytes.split_at(at);
        assert_eq!(cut(framing, limit, &[left, right]), whole, "cut at {at}");
        for then in 0..=right.len() {
            let (middle, right) = right.split_at(then);
            assert_eq!(cut(framing, limit, &[left, middle, right]), whole, "cut at {at} and {then} after it");
        }
    }
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(cut(framing, limit, &single), whole, "in single bytes");
    whole
}

fn row(line: u64, text: &str) -> Seen {
    (line, Ok(text.into()), false)
}

fn last(line: u64, text: &str) -> Seen {
    (line, Ok(text.into()), true)
}

fn bad(line: u64, rule: &str) -> Seen {
    (line, Err(rule.into()), false)
}

#[test]
fn lines_do_not_depend_on_chunks() {
    let seen = everywhere(Framing::Lines, 100, b"{1}\n\n  \r\n{22}\r\n{3}\n");
    assert_eq!(seen, [row(1, "{1}"), row(4, "{22}"), row(5, "{3}")]);
    assert_eq!(everywhere(Framing::Lines, 100, b"{1}\n{2"), [row(1, "{1}"), last(2, "{2")]);
    assert_eq!(everywhere(Framing::Lines, 100, b""), []);
    assert_eq!(everywhere(Framing::Lines, 100, b"\n"), []);
    assert_eq!(everywhere(Framing::Lines, 100, b"x"), [last(1, "x")]);
}

#[test]
fn byte_order_mark_is_skipped_and_other_encodings_are_errors() {
    assert_eq!(everywhere(Framing::Lines, 100, b"\xEF\xBB\xBF{1}\n{2}\n"), [row(1, "{1}"), row(2, "{2}")]);
    assert_eq!(everywhere(Framing::Quoted, 100, b"\xEF\xBB\xBFa\n"), [row(1, "a")]);
    for text in ["{\"a\": 1}\n", "id\n"] {
        for order in [u16::to_le_bytes, u16::to_be_bytes] {
            let bare: Vec<u8> = text.encode_utf16().flat_map(order).collect();
            let marked = [&order(0xFEFF)[..], &bare].concat();
            for bytes in [bare, marked] {
                let mut rows = Rows::new(Framing::Lines, 100);
                rows.feed(bytes.into());
                let error = rows.next().unwrap_err();
                assert!(error.message().contains("UTF-16"), "{error}");
            }
        }
    }
}

#[test]
fn long_row_is_one_error_and_is_not_buffered() {
    let seen = everywhere(Framing::Lines, 4, b"123\n12345\n1234\n123456789012345");
    let too_long = |line| bad(line, "row.max_bytes");
    assert_eq!(seen, [row(1, "123"), too_long(2), row(3, "1234"), too_long(4)]);
    let seen = everywhere(Framing::Quoted, 6, b"a\n\"1\n2\n3\n4\"\nb\n");
    assert_eq!(seen, [row(1, "a"), too_long(2), row(6, "b")]);
    let mut rows = Rows::new(Framing::Lines, 1_000);
    let mut errors = 0;
    for _ in 0..10_000 {
        rows.feed(Bytes::from_static(&[b'x'; 1_000]));
        while let Some(row) = rows.next().unwrap() {
            errors += usize::from(row.content.is_err());
        }
        assert!(rows.pending.capacity() <= 4_000, "{}", rows.pending.capacity());
    }
    assert_eq!(errors, 1);
}

#[test]
fn quotes_keep_line_feeds() {
    let seen = everywhere(Framing::Quoted, 100, b"a,b\r\n\"x\n\"\"\ny\",1\r\n,\"\n\"\n\"\"\"\n\"\n5\" disk,2\nz");
    let expected = [
        row(1, "a,b"),
        row(2, "\"x\n\"\"\ny\",1"),
        row(5, ",\"\n\""),
        row(7, "\"\"\"\n\""),
        row(9, "5\" disk,2"),
        last(10, "z"),
    ];
    assert_eq!(seen, expected);
    // An unclosed quote includes the rest. Its row starts where the quote was opened.
    assert_eq!(everywhere(Framing::Quoted, 100, b"a\n\"b\nc\n"), [row(1, "a"), last(2, "\"b\nc\n")]);
}

#[test]
fn messages_are_split_by_length() {
    let mut bytes = Vec::new();
    for message in [&b"abc"[..], b"", &[7; 130]] {
        encode_varint(message.len() as u64, &mut bytes);
        bytes.extend_from_slice(message);
    }
    let seen = everywhere(Framing::Delimited, 200, &bytes);
    let expected = [(1, Ok(b"abc".to_vec()), false), (2, Ok(Vec::new()), false), (3, Ok(vec![7; 130]), false)];
    assert_eq!(seen, expected);
    let seen = everywhere(Framing::Delimited, 100, &[&bytes[..], &[1, b'x']].concat());
    assert_eq!(seen, [row(1, "abc"), row(2, ""), bad(3, "row.max_bytes"), row(4, "x")]);
    for cut in [&bytes[..bytes.len() - 1], b"\x03ab", b"\x80", b"\x80\x80"] {
        let seen = everywhere(Framing::Delimited, 200, cut);
        assert_eq!(seen.last().unwrap().1, Err("framing".to_owned()), "{cut:?}");
    }
    let wrong = everywhere(Framing::Delimited, 200, &[&[0xFF; 12][..], b"\x01x"].concat());
    assert_eq!(wrong, [bad(1, "framing")]);
}
