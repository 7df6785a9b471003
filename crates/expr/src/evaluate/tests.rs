//! Tests of the cost of evaluations and of exceeding the budget.

use crate::{EvaluationFailure, Filter, Scope};
use groundplan_budget::{Allowance, Budget, DEFAULT, Resource};
use groundplan_codec::{Record, Value};
use groundplan_error::{Error, Reason};
use groundplan_model::catalog::Model;
use std::sync::Arc;
use std::time::Instant;

fn scope() -> Scope<'static> {
    let shop = crate::sql::tests::shop();
    Scope { catalog: shop, model: shop.model("shop.v1.Book").unwrap() }
}

fn model() -> &'static Arc<Model> {
    scope().model
}

/// Returns a book with `size` tags and entries of `stock`, and a title of `size` bytes.
fn book(size: usize) -> Record {
    let shape = model().shape();
    let mut record = Record::new(shape);
    let text = |at: usize| Value::String(format!("{at:08}"));
    let mut set = |field: &str, value| record.set_in(shape, shape.by_name(field).unwrap(), Some(value));
    set("tags", Value::List((0..size).map(text).collect()));
    set("stock", Value::Map((0..size).map(|at| (text(at), Value::Int(1))).collect()));
    set("title", Value::String("x".repeat(size)));
    record
}

fn evaluate(source: &str, record: &Record, budget: &Budget) -> Result<Result<bool, EvaluationFailure>, Error> {
    let filter = Filter::compile(scope(), source).unwrap();
    filter.evaluate(scope(), record, 0, &|_| None, budget)
}

/// Returns the number of steps of an evaluation.
fn cost(source: &str, record: &Record) -> u64 {
    let budget = Budget::new(Allowance { steps: u64::MAX, ..DEFAULT }, None);
    evaluate(source, record, &budget).unwrap().unwrap();
    u64::MAX - budget.remaining(Resource::Steps)
}

fn few_steps() -> Budget {
    Budget::new(Allowance { steps: 20_000, ..DEFAULT }, None)
}

#[test]
fn nested_quantifiers_stop_at_the_budget() {
    let record = book(4_000);
    let started = Instant::now();
    for source in [
        "tags.all(a, tags.all(b, a + b != ''))",
        "!tags.exists(a, tags.exists(b, a + b == ''))",
        "tags.exists_one(a, tags.exists_one(b, a != b))",
        "tags.all(a, a in tags)",
        "tags.all(a, tags.all(b, title.matches('^x*$')))",
    ] {
        let error = evaluate(source, &record, &few_steps()).unwrap_err();
        assert_eq!(error.reason(), Reason::BudgetExceeded, "{source}");
        assert!(error.to_string().contains("20000 steps"), "{error}");
    }
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}

#[test]
fn no_operator_absorbs_an_exceeded_budget() {
    let record = book(1_000);
    let long = "tags.all(a, tags.all(b, a + b != ''))";
    for source in [
        format!("{long} || pages == 0"),
        format!("{long} && pages == 1"),
        format!("!({long})"),
        format!("!{long} || pages == 0"),
        "stock.all(k, tags.all(a, a + k != '') || k != '')".to_owned(),
        format!("({long}) ? pages == 0 : pages == 0"),
    ] {
        let error = evaluate(&source, &record, &few_steps()).unwrap_err();
        assert_eq!(error.reason(), Reason::BudgetExceeded, "{source}");
    }
    // A failure of the expression is still absorbed.
    assert_eq!(evaluate("stock['?'] == 1 || pages == 0", &record, &few_steps()).unwrap(), Ok(true));
    assert_eq!(evaluate("stock['?'] == 1", &record, &few_steps()).unwrap(), Err(EvaluationFailure::NoSuchElement));
}

#[test]
fn a_cancelled_or_late_evaluation_stops() {
    let record = book(10);
    let source = "tags.exists(t, t == '') || pages == 0";
    let cancelled = Budget::default();
    drop(cancelled.cancel_on_drop());
    assert_eq!(evaluate(source, &record, &cancelled).unwrap_err().reason(), Reason::Cancelled);
    let late = Budget::new(DEFAULT, Some(Instant::now()));
    assert_eq!(evaluate(source, &record, &late).unwrap_err().reason(), Reason::DeadlineExceeded);
}

#[test]
fn steps_grow_with_the_size_of_values() {
    let (small, large) = (book(1_000), book(100_000));
    // A hundred times the elements and bytes.
    for source in ["tags.all(t, t != '')", "'?' in tags", "stock.exists_one(k, k == '')", "title.matches('^y*$')"] {
        let (less, more) = (cost(source, &small), cost(source, &large));
        assert!(less >= 1_000 && more >= 90 * less, "{source}: {less} and {more}");
    }
    for source in ["title.contains('y')", "title + title == ''", "size(title) == 0", "title == motto + title"] {
        let (less, more) = (cost(source, &small), cost(source, &large));
        assert!(more >= less + 100_000 / 64 - 20, "{source}: {less} and {more}");
    }
    // Keys are found without reading all entries.
    for source in ["stock['00000007'] == 1", "'00000900' in stock"] {
        assert!(cost(source, &large) < 60, "{source}: {}", cost(source, &large));
        assert_eq!(evaluate(source, &large, &Budget::default()).unwrap(), Ok(true));
    }
}
