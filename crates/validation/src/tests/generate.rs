//! Random records of a shape, with values mostly near the bounds of the oracle's models.

use groundplan_codec::{Record, Value, wire};
use groundplan_model::shape::{Cardinality, Kind, MapKey, Shape, ShapeId, Shapes, Wrapped};

/// A random number generator (SplitMix64), so that a seed reproduces a record.
pub(super) struct Random(pub(super) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }

    pub(super) fn pick<T: Clone>(&mut self, pool: &[T]) -> T {
        pool[self.below(pool.len())].clone()
    }

    pub(super) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

const TEXTS: &[&str] = &[
    "",
    "a",
    "b",
    "ab",
    "abc",
    "abcd",
    "äöü",
    "ä",
    "x y",
    "foo",
    "foobar",
    "barfoo",
    "12",
    "A1",
    "\u{1F600}",
    "a\nb",
    "user@example.com",
    "user@",
    "example.com",
    "-bad-.com",
    "example.com:80",
    "127.0.0.1",
    "::1",
    "fe80::1%eth0",
    "10.0.0.0/8",
    "10.0.0.1/8",
    "2001:db8::/32",
    "https://example.com/a?b#c",
    "/relative",
    "not a uri",
    "a.b.C",
    ".a.b.C",
    "123e4567-e89b-12d3-a456-426614174000",
    "123e4567e89b12d3a456426614174000",
    "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "x-header",
    ":path",
    "bad header",
    "tab\there",
];

const INTEGERS: &[i64] = &[0, 1, -1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 20, 100, -5, -10, i32::MAX as i64, i32::MIN as i64];

/// Without negative zero, which the library treats as absent, unlike protobuf and the codec.
const DOUBLES: &[f64] =
    &[1.0, -1.0, 0.1, 0.5, 1.5, 2.0, 3.0, 5.0, 10.0, -2.5, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e30];

const BYTES: &[&[u8]] =
    &[b"", b"a", b"ab", b"abc", b"foo", b"foobar", b"\x01\x02\x03\x04", b"0123456789abcdef", b"a\nb"];

/// Microseconds. The models' bounds are whole seconds, and one nanosecond next to them.
const TIMES: &[i64] = &[
    0,
    1,
    -1,
    999_999,
    1_000_000,
    1_000_001,
    -1_000_000,
    -1_500_000,
    500_000,
    2_000_000,
    60_000_000,
    59_999_999,
    1_000_000_000_000,
    4_000_000_000_000_000,
    -62_135_596_800_000_000,
    253_402_300_799_999_999,
];

const DURATIONS: &[i64] =
    &[0, 1, -1, 999_999, 1_000_000, 1_000_001, -1_000_000, -1_500_000, 500_000, 1_500_000, 60_000_000, 3_600_000_000];

/// Returns a random record, normalized by the wire format.
pub(super) fn record(random: &mut Random, shapes: &Shapes, shape: ShapeId) -> Record {
    let record = message(random, shapes, shape, 0);
    let mut bytes = Vec::new();
    wire::encode(shapes, shape, &record, &mut bytes);
    wire::decode(shapes, shape, &bytes, &groundplan_budget::Budget::default())
        .expect("an encoded record can be decoded")
}

fn message(random: &mut Random, shapes: &Shapes, id: ShapeId, depth: usize) -> Record {
    let shape: &Shape = shapes.get(id);
    let mut record = Record::new(shape);
    let percent = random.pick(&[0, 30, 70, 95]);
    for (field_id, field) in shape.iter() {
        if !random.chance(percent) || (depth > 2 && matches!(field.kind, Kind::Message(_))) {
            continue;
        }
        let mut one = |random: &mut Random| value(random, shapes, field.kind, depth);
        let value = match field.cardinality {
            Cardinality::Implicit | Cardinality::Explicit | Cardinality::Oneof(_) => one(random),
            Cardinality::Repeated => Value::List((0..random.below(4)).map(|_| one(random)).collect()),
            Cardinality::Map(kind) => Value::Map(entries(random, kind, &mut one)),
        };
        record.set_in(shape, field_id, Some(value));
    }
    record
}

fn entries(random: &mut Random, kind: MapKey, value: &mut dyn FnMut(&mut Random) -> Value) -> Vec<(Value, Value)> {
    let mut entries: Vec<(Value, Value)> = Vec::new();
    for _ in 0..random.below(4) {
        let key = match kind {
            MapKey::Bool => Value::Bool(random.chance(50)),
            MapKey::String => Value::String(random.pick(TEXTS).to_owned()),
            MapKey::Integer(integer) => self::value_of_integer(random, integer.is_unsigned(), integer.exceeds_bigint()),
        };
        if entries.iter().all(|(other, _)| *other != key) {
            entries.push((key, value(random)));
        }
    }
    entries
}

fn value_of_integer(random: &mut Random, unsigned: bool, wide: bool) -> Value {
    let number = random.pick(INTEGERS);
    match (unsigned, wide) {
        (_, true) => Value::Uint(if random.chance(10) { u64::MAX } else { number.unsigned_abs() }),
        (true, false) => Value::Int(number.abs()),
        (false, false) => Value::Int(number),
    }
}

fn value(random: &mut Random, shapes: &Shapes, kind: Kind, depth: usize) -> Value {
    match kind {
        Kind::Bool | Kind::Wrapper(Wrapped::Bool) => Value::Bool(random.chance(50)),
        Kind::Integer(integer) | Kind::Wrapper(Wrapped::Integer(integer)) => {
            value_of_integer(random, integer.is_unsigned(), integer.exceeds_bigint())
        }
        Kind::Float | Kind::Wrapper(Wrapped::Float) => Value::Double(narrow(random.pick(DOUBLES))),
        Kind::Double | Kind::Wrapper(Wrapped::Double) => Value::Double(random.pick(DOUBLES)),
        Kind::String | Kind::Wrapper(Wrapped::String) => Value::String(random.pick(TEXTS).to_owned()),
        Kind::Bytes | Kind::Wrapper(Wrapped::Bytes) => Value::Bytes(bytes::Bytes::from_static(random.pick(BYTES))),
        Kind::Enum(_) => Value::Enum(random.pick(&[0, 1, 2, 3, -1, 99])),
        Kind::Message(shape) => Value::Message(message(random, shapes, shape, depth + 1)),
        Kind::Timestamp => Value::Timestamp(random.pick(TIMES)),
        Kind::Duration => Value::Duration(random.pick(DURATIONS)),
        Kind::FieldMask => Value::FieldMask(
            (0..random.below(3)).map(|_| random.pick(&["a", "a.b", "ab", "c.d", "c"]).to_owned()).collect(),
        ),
        Kind::Struct => Value::Json(serde_json::json!({ "k": random.below(3) })),
        Kind::Value => Value::Json(serde_json::json!(random.below(3))),
        Kind::ListValue => Value::Json(serde_json::json!([random.below(3)])),
        Kind::Empty => Value::Empty,
    }
}

/// Returns the nearest `float`.
#[expect(clippy::cast_possible_truncation, reason = "rounding is its purpose")]
fn narrow(value: f64) -> f64 {
    f64::from(value as f32)
}
