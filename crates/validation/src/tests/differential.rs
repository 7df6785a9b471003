//! Compares random CEL rules on random messages with the oracle.
//!
//! `GROUNDPLAN_RULE_PAIRS` sets the number of pairs of a rule and a message, `GROUNDPLAN_SEED` the seed.

mod author;

use super::generate::{Random, record};
use super::{Compiled, Facts, catalog, facts, file};
use crate::messages;
use author::Author;
use groundplan_budget::Budget;

/// The default number of pairs.
const PAIRS: usize = 4_000;

/// The number of rules per catalog, and of messages per rule.
const RULES: usize = 40;
const MESSAGES: usize = 25;

/// The message that the rules apply to.
const BODY: &str = r#"
enum Color { COLOR_UNSPECIFIED = 0; COLOR_RED = 1; COLOR_BLUE = 2; }
message Inner { int32 n = 1; string s = 2; repeated int32 ns = 3; }
message Body {
  int32 i = 1; int64 l = 2; uint32 u = 3; uint64 w = 4; double d = 5; float f = 6;
  string s = 7; string t = 8; bytes b = 9; bool y = 10; Color c = 11;
  google.protobuf.Timestamp at = 12; google.protobuf.Duration wait = 13; Inner m = 14;
  repeated int32 is = 15; repeated string ss = 16; repeated Inner ms = 17;
  map<string, int32> si = 18; map<int32, string> ns = 19; repeated double ds = 20; repeated uint64 us = 21;
  optional int32 oi = 22; google.protobuf.StringValue ws = 23; google.protobuf.Int32Value wi = 24;
  oneof k { string ks = 25; int32 ki = 26; }
}
"#;

/// Reads a number from the environment.
#[expect(clippy::disallowed_methods, reason = "it configures a test, not the program")]
fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().map_or(default, |text| text.parse().expect("a number"))
}

/// The results of a run.
#[derive(Default, Debug)]
struct Tally {
    pairs: usize,
    broken: usize,
    kept: usize,
    unchecked: usize,
}

#[test]
fn random_rules_find_the_same_as_the_library() {
    let (wanted, seed) = (number("GROUNDPLAN_RULE_PAIRS", PAIRS), number("GROUNDPLAN_SEED", 14));
    let mut tally = Tally::default();
    let mut author = Author::new(seed as u64);
    while tally.pairs < wanted {
        let rules: Vec<String> = (0..RULES).map(|_| author.rule()).collect();
        run(&rules, seed as u64 ^ tally.pairs as u64, &mut tally);
        if tally.pairs.is_multiple_of(100 * RULES * MESSAGES) {
            println!("{tally:?}");
        }
    }
    println!("{tally:?}");
    // A run proves something only if enough records are valid, enough are not, and most rules can be evaluated.
    assert!(tally.broken * 10 > tally.pairs && tally.kept * 10 > tally.pairs, "{tally:?}");
    assert!(tally.unchecked * 4 < tally.pairs, "{tally:?}");
}

fn run(rules: &[String], seed: u64, tally: &mut Tally) {
    let models = rules.iter().enumerate().map(|(at, rule)| {
        format!(
            "message M{at} {{ option (groundplan.model.v1.model) = {{}}; string id = 1; \
             Body body = 2 [(buf.validate.field).cel = {{id: \"r{at}\" message: \"is bad\" expression: {rule:?}}}]; }}\n"
        )
    });
    let catalog = catalog(&file(&format!("{BODY}{}", models.collect::<String>())));
    let compiled = Compiled::new(&catalog);
    for (at, rule) in rules.iter().enumerate() {
        let both = compiled.both(&catalog, &format!("test.v1.M{at}"));
        for message in 0..MESSAGES {
            let mut random = Random(seed.wrapping_mul(31).wrapping_add((at * MESSAGES + message) as u64));
            let record = record(&mut random, &both.model.shapes, both.model.shape);
            let ours = facts(both.validator.find(&record, &Budget::default()).unwrap());
            let oracle = facts(both.library.validate(&record).0);
            tally.pairs += 1;
            match (is_unchecked(&ours), is_unchecked(&oracle)) {
                (true, true) => tally.unchecked += 1,
                _ => assert_eq!(
                    ours, oracle,
                    "ours (left) and the oracle's (right) of {rule} on {record:?}, seed {seed}"
                ),
            }
            if ours.is_empty() {
                tally.kept += 1;
            } else {
                tally.broken += 1;
            }
        }
    }
}

fn is_unchecked(violations: &[Facts]) -> bool {
    violations.iter().any(|(_, rule, _)| rule == messages::NOT_CHECKED)
}
