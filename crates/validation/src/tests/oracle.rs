//! Compares rules with the library on random records: the same violations, order and text.

use super::generate::{Random, record};
use super::oracle_models::MODELS;
use super::{Both, catalog, file};
use proptest::prelude::*;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::LazyLock;

static ALL: LazyLock<Vec<Both>> = LazyLock::new(|| {
    let catalog = catalog(&file(MODELS));
    catalog.models.iter().map(|model| Both::new(&catalog, &model.full_name)).collect()
});

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn plain_rules_find_what_the_library_finds(seed: u64) {
        for both in ALL.iter() {
            both.find(&record(&mut Random(seed), &both.model.shapes, both.model.shape));
        }
    }
}

/// Proves that the generated records break every rule, and that some are valid.
#[test]
fn the_generated_records_break_every_rule_and_some_are_valid() {
    let broken = Cell::new(BTreeSet::new());
    let mut valid = 0;
    for both in ALL.iter() {
        for seed in 0..400 {
            let violations = both.find(&record(&mut Random(seed), &both.model.shapes, both.model.shape));
            valid += usize::from(violations.is_empty());
            let mut rules = broken.take();
            rules.extend(
                violations
                    .into_iter()
                    .map(|violation| (violation.0.split(['.', '[']).next().unwrap().to_owned(), violation.1)),
            );
            broken.set(rules);
        }
    }
    let broken = broken.take();
    let missing: Vec<&str> =
        RULES.iter().copied().filter(|rule| broken.iter().all(|(_, broken)| broken != rule)).collect();
    assert!(missing.is_empty(), "never broken: {missing:?}");
    assert!(valid > 0, "no record was valid");
}

/// Every compiled rule, except those of the other eleven number types, which share code.
const RULES: &[&str] = &[
    "required",
    "message.oneof",
    "bool.const",
    "int32.const",
    "int32.gt",
    "int32.gte",
    "int32.lt",
    "int32.lte",
    "int32.gt_lt",
    "int32.gte_lte",
    "int32.gt_lt_exclusive",
    "int32.gt_lte_exclusive",
    "int32.gte_lt_exclusive",
    "int32.gte_lte_exclusive",
    "int32.gt_lte",
    "int32.gte_lt",
    "int32.in",
    "int32.not_in",
    "int64.gte_lte",
    "uint32.gt_lt",
    "uint64.in",
    "sint32.lt",
    "sint64.gt",
    "fixed32.not_in",
    "fixed64.lte",
    "sfixed32.const",
    "sfixed64.gte",
    "float.finite",
    "float.gt",
    "float.in",
    "float.gte_lte",
    "float.const",
    "double.finite",
    "double.lt",
    "double.not_in",
    "double.gt_lt_exclusive",
    "string.const",
    "string.len",
    "string.min_len",
    "string.max_len",
    "string.len_bytes",
    "string.min_bytes",
    "string.max_bytes",
    "string.pattern",
    "string.prefix",
    "string.suffix",
    "string.contains",
    "string.not_contains",
    "string.in",
    "string.not_in",
    "string.email",
    "string.email_empty",
    "string.hostname",
    "string.ip",
    "string.ipv4",
    "string.ipv6",
    "string.uri",
    "string.uri_ref",
    "string.address",
    "string.uuid",
    "string.tuuid",
    "string.ulid",
    "string.ip_with_prefixlen",
    "string.ipv4_with_prefixlen",
    "string.ipv6_with_prefixlen",
    "string.ip_prefix",
    "string.ipv4_prefix",
    "string.ipv6_prefix",
    "string.host_and_port",
    "string.protobuf_fqn",
    "string.protobuf_dot_fqn",
    "string.well_known_regex.header_name",
    "string.well_known_regex.header_name_empty",
    "string.well_known_regex.header_value",
    "bytes.const",
    "bytes.len",
    "bytes.min_len",
    "bytes.max_len",
    "bytes.pattern",
    "bytes.prefix",
    "bytes.suffix",
    "bytes.contains",
    "bytes.in",
    "bytes.not_in",
    "bytes.ip",
    "bytes.ip_empty",
    "bytes.ipv4",
    "bytes.ipv6",
    "bytes.uuid",
    "bytes.uuid_empty",
    "enum.const",
    "enum.defined_only",
    "enum.in",
    "enum.not_in",
    "repeated.min_items",
    "repeated.max_items",
    "repeated.unique",
    "map.min_pairs",
    "map.max_pairs",
    "timestamp.const",
    "timestamp.gt",
    "timestamp.gte_lt",
    "timestamp.lt_now",
    "timestamp.gt_now",
    "timestamp.within",
    "duration.const",
    "duration.gt_lte",
    "duration.in",
    "duration.not_in",
    "field_mask.const",
    "field_mask.in",
    "field_mask.not_in",
];
