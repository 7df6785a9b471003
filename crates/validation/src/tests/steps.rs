//! Rules charge the request's budget and stop when it is exceeded.

use super::{Both, catalog, thing};
use groundplan_budget::{Allowance, Budget, DEFAULT};
use groundplan_error::Reason;
use std::time::Instant;

fn small_budget() -> Budget {
    Budget::new(Allowance { steps: 20_000, ..DEFAULT }, None)
}

#[test]
fn rules_stop_when_the_budget_is_exceeded() {
    let numbers: Vec<String> = (0..3_000).map(|number| number.to_string()).collect();
    let list = format!(r#"{{"a":[{}]}}"#, numbers.join(","));
    let text = format!(r#"{{"b":"{}"}}"#, "x".repeat(1 << 20));
    for (rule, json) in [
        ("this.a.all(x, this.a.all(y, x + y >= 0))", &list),
        ("this.a.all(x, !(-x - 1 in this.a))", &list),
        ("this.a.map(x, this.a.map(y, x * y)).size() == 0", &list),
        ("this.b.matches('^(y|x*z)*$') || this.b == ''", &text),
        ("(this.b + this.b).size() == 0", &text),
    ] {
        let fields =
            format!("option (buf.validate.message).cel_expression = {rule:?}; repeated int32 a = 2; string b = 3;");
        let both = Both::new(&catalog(&thing(&fields)), "test.v1.Thing");
        let started = Instant::now();
        let error = both.validator.find(&both.record(json), &small_budget()).unwrap_err();
        assert_eq!(error.reason(), Reason::BudgetExceeded, "{rule}");
        assert!(started.elapsed().as_secs() < 60, "{rule}");
    }
}

#[test]
fn standard_rules_charge_for_the_size_of_values() {
    let both = Both::new(
        &catalog(&thing("repeated string a = 2 [(buf.validate.field).repeated.items.string.email = true];")),
        "test.v1.Thing",
    );
    let items = vec![r#""a@example.com""#; 15_000].join(",");
    let record = both.record(&format!(r#"{{"a":[{items}]}}"#));
    assert_eq!(both.validator.find(&record, &small_budget()).unwrap_err().reason(), Reason::BudgetExceeded);
    assert!(both.validator.find(&record, &Budget::default()).unwrap().is_empty());
}

#[test]
fn a_cancelled_request_stops() {
    let both = Both::new(
        &catalog(&thing("string a = 2 [(buf.validate.field).cel_expression = \"this != 'x'\"];")),
        "test.v1.Thing",
    );
    let budget = Budget::default();
    drop(budget.cancel_on_drop());
    assert_eq!(both.validator.find(&both.record("{}"), &budget).unwrap_err().reason(), Reason::Cancelled);
}
