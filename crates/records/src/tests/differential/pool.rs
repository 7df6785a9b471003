//! The values that rows and expressions are made of. Both draw from the same pools, so that they meet.

use rand::RngExt as _;
use rand::rngs::StdRng;

const INTS: &[i64] = &[
    0,
    0,
    1,
    1,
    -1,
    2,
    3,
    7,
    -5,
    10,
    77,
    100,
    i32::MAX as i64,
    i32::MIN as i64,
    i32::MAX as i64 + 1,
    u32::MAX as i64,
    u32::MAX as i64 + 1,
    1 << 53,
    (1 << 53) + 1,
    -(1 << 53) - 1,
    i64::MAX,
    i64::MAX - 1,
    i64::MIN,
    i64::MIN + 1,
];

const UINTS: &[u64] = &[
    0,
    0,
    1,
    1,
    2,
    3,
    7,
    77,
    i32::MAX as u64,
    u32::MAX as u64,
    u32::MAX as u64 + 1,
    (1 << 53) + 1,
    i64::MAX as u64,
    i64::MAX as u64 + 1,
    u64::MAX - 1,
    u64::MAX,
    // Its last digits of base 10,000 are zeros, which `numeric` leaves out.
    10_000_000_000_000_000_000,
];

const DOUBLES: &[f64] = &[
    0.0,
    0.0,
    -0.0,
    1.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    1.5,
    2.0,
    3.0,
    7.0,
    0.1,
    0.300_000_000_000_000_04,
    9_007_199_254_740_992.0,
    9_007_199_254_740_993.0,
    9_223_372_036_854_775_807.0,
    9_223_372_036_854_774_784.0,
    -9_223_372_036_854_775_808.0,
    18_446_744_073_709_551_615.0,
    18_446_744_073_709_549_568.0,
    1e19,
    1e300,
    -1e300,
    f64::MAX,
    f64::MIN,
    f64::MIN_POSITIVE,
    5e-324,
    -5e-324,
    4_294_967_295.0,
    2_147_483_648.0,
];

/// What only data can be: no literal says it.
const STRANGE_DOUBLES: &[f64] = &[f64::NAN, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];

const STRINGS: &[&str] = &[
    "",
    "",
    "a",
    "a",
    "A",
    "b",
    "ab",
    "aB",
    "abc",
    "ba",
    " a",
    "a ",
    "Z",
    "z",
    "0",
    "1",
    "-1",
    "12",
    "9223372036854775807",
    "NaN",
    "true",
    "null",
    "NO",
    "\u{e9}",
    "e\u{301}",
    "E",
    "\u{df}",
    "ss",
    "\u{130}",
    "\u{17f}",
    "\u{212a}",
    "\u{feff}",
    "\u{e000}",
    "\u{ff5e}",
    "\u{1f600}",
    "a\u{1f600}b",
    "\u{10ffff}",
    "\u{1f468}\u{200d}\u{1f469}",
    "%",
    "_",
    "a%",
    "a_",
    "%a",
    "\\",
    "a\\",
    "\\%",
    "'",
    "''",
    "\"",
    "'; DROP TABLE specimen; --",
    "?",
    "$1",
    "\n",
    "a\nb",
    "\t",
    "\r",
    "\u{1}",
    "\u{7f}",
    "\u{2028}",
    ".",
    ".*",
    "[",
    "0198c0de-7a5e-7c3b-9d41-0242ac120002",
    "0198C0DE-7A5E-7C3B-9D41-0242AC120002",
    "2020-01-01T00:00:00Z",
    "{\"a\": 1}",
    "MOOD_GOOD",
];

const BYTES: &[&[u8]] =
    &[b"", b"", b"a", b"A", b"ab", b"\0", b"\0\0", b"\xff", b"a\xff", b"\x7f", b"\x80", b"\\", b"\\x61", b"'"];

const TIMES: &[i64] = &[
    0,
    1,
    -1,
    999_999,
    1_000_000,
    1_000_001,
    946_684_800_000_000,
    946_684_799_999_999,
    951_868_799_999_999,
    951_868_800_000_000,
    1_577_836_800_000_000,
    1_577_836_800_000_001,
    NOW,
    NOW - 1,
    NOW + 1,
    -62_135_596_800_000_000,
    -62_135_596_799_999_999,
    253_402_300_799_999_999,
    253_402_300_799_000_000,
    -2_208_988_800_000_000,
];

const DURATIONS: &[i64] = &[
    0,
    1,
    -1,
    999_999,
    1_000_000,
    -1_000_000,
    1_500_000,
    60_000_000,
    3_600_000_000,
    86_400_000_000,
    -86_400_000_001,
    2_592_000_000_000,
    31_536_000_000_000,
    315_576_000_000_000_000,
    -315_576_000_000_000_000,
    NOW,
];

const MOODS: &[i32] = &[0, 0, 1, 1, -5, 77, 2, i32::MAX, i32::MIN];

/// The time of every request: 2026-11-23T03:33:20.123456Z.
pub(super) const NOW: i64 = 1_795_404_800_123_456;

fn pick<T: Copy>(random: &mut StdRng, pool: &[T]) -> T {
    pool[random.random_range(0..pool.len())]
}

pub(super) fn int(random: &mut StdRng) -> i64 {
    match random.random_range(0..20) {
        0 => random.random(),
        1..4 => random.random_range(-3..20),
        _ => pick(random, INTS),
    }
}

pub(super) fn uint(random: &mut StdRng) -> u64 {
    match random.random_range(0..20) {
        0 => random.random(),
        1..4 => random.random_range(0..20),
        _ => pick(random, UINTS),
    }
}

/// A double that a literal can say.
pub(super) fn literal_double(random: &mut StdRng) -> f64 {
    match random.random_range(0..20) {
        0 => Some(f64::from_bits(random.random())).filter(|double| double.is_finite()).unwrap_or(0.25),
        1..4 => f64::from(random.random_range(-30..30)) / 4.0,
        _ => pick(random, DOUBLES),
    }
}

pub(super) fn double(random: &mut StdRng) -> f64 {
    if random.random_bool(0.15) { pick(random, STRANGE_DOUBLES) } else { literal_double(random) }
}

pub(super) fn string(random: &mut StdRng) -> String {
    match random.random_range(0..10) {
        0 => format!("{}{}", pick(random, STRINGS), pick(random, STRINGS)),
        1..4 => pick(random, &["", "a", "b", "ab", "A"]).to_owned(),
        _ => pick(random, STRINGS).to_owned(),
    }
}

/// A key of a map: out of few, so that it is often there.
pub(super) fn key(random: &mut StdRng) -> String {
    pick(random, &["", "a", "a", "b", "ab", "A", "\u{1f600}", "'", "%", "a.b", "\"", "\\"]).to_owned()
}

/// The same, a number.
pub(super) fn small_uint(random: &mut StdRng) -> u64 {
    if random.random_bool(0.1) { uint(random) } else { random.random_range(0..3) }
}

pub(super) fn bytes(random: &mut StdRng) -> Vec<u8> {
    pick(random, BYTES).to_vec()
}

pub(super) fn time(random: &mut StdRng) -> i64 {
    match random.random_range(0..10) {
        0 => random.random_range(-62_135_596_800_000_000..=253_402_300_799_999_999),
        1 => random.random_range(0..NOW),
        _ => pick(random, TIMES),
    }
}

pub(super) fn duration(random: &mut StdRng) -> i64 {
    match random.random_range(0..10) {
        0 => random.random_range(-315_576_000_000_000_000..=315_576_000_000_000_000),
        1 => random.random_range(-NOW..NOW),
        _ => pick(random, DURATIONS),
    }
}

pub(super) fn mood(random: &mut StdRng) -> i32 {
    pick(random, MOODS)
}
