//! Compares docs/diagnostics.md with the codes.

use groundplan_model::code;

#[test]
fn every_code_is_explained_and_every_explanation_has_a_code() {
    let text = include_str!("../../../../docs/diagnostics.md");
    let explained: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("### ")).map(str::trim).collect();
    for code in code::ALL {
        assert!(explained.contains(code), "docs/diagnostics.md does not explain {code}");
    }
    // The `validation` crate checks the codes of rules.
    for heading in explained.iter().filter(|heading| !heading.starts_with("RULE_")) {
        assert!(code::ALL.contains(heading), "docs/diagnostics.md explains {heading}, which does not exist");
    }
}
