//! Tests of formulas: their values, errors, and failures.

use super::{model, scope};
use crate::limits::MAX_RESULT_BYTES;
use crate::{EvaluationFailure, Formula, FormulaKind};
use groundplan_budget::Budget;
use groundplan_codec::{Record, Value};

/// A field and its formula per line, and the error on the next line.
const REFUSALS: &str = include_str!("formulas.txt");

const NOW: i64 = 1_700_000_000_000_000;

fn compile(field: &str, source: &str) -> Result<Formula, String> {
    let field = model().shape().by_name(field).unwrap();
    Formula::compile(scope(), FormulaKind::Default, field, source).map_err(|error| error.to_string())
}

fn thing(values: &[(&str, Value)]) -> Record {
    let shape = model().shape();
    let mut record = Record::new(shape);
    for (field, value) in values {
        record.set_in(shape, shape.by_name(field).unwrap(), Some(value.clone()));
    }
    record
}

/// Evaluates a formula on a record with a title, pages and a time.
fn value(field: &str, source: &str) -> Result<Option<Value>, EvaluationFailure> {
    let record = thing(&[
        ("title", Value::String(" Ünder Milk Wood ".into())),
        ("pages", Value::Int(108)),
        ("views", Value::Int(3_000_000_000)),
        ("created_at", Value::Timestamp(NOW)),
        ("price", Value::Double(1e300)),
    ]);
    let formula = compile(field, source).unwrap_or_else(|error| panic!("{source}: {error}"));
    formula.evaluate(&record, NOW, &Budget::default()).unwrap()
}

fn text(text: &str) -> Option<Value> {
    Some(Value::String(text.to_owned()))
}

#[test]
fn values_have_the_type_of_their_field() {
    let all = [
        ("title", "'draft'", text("draft")),
        ("nick_name", "title.trim().lowerAscii() + '-' + string(pages)", text("Ünder milk wood-108")),
        ("nick_name", "title.upperAscii().trim()", text("ÜNDER MILK WOOD")),
        ("nick_name", "' a\\u2003\\t'.trim()", text("a")),
        ("nick_name", "pages > 100 ? 'long' : null", text("long")),
        ("nick_name", "pages > 200 ? 'long' : null", None),
        ("rank", "pages + 1", Some(Value::Int(109))),
        ("rank", "size(title)", Some(Value::Int(17))),
        ("rank", "2.0", Some(Value::Int(2))),
        ("copies", "3", Some(Value::Int(3))),
        ("copies", "uint(pages)", Some(Value::Int(108))),
        ("serial", "0xFFFFFFFFFFFFFFFFu", Some(Value::Uint(u64::MAX))),
        ("serial", "7", Some(Value::Uint(7))),
        ("weight", "0.1", Some(Value::Double(f64::from(0.1_f32)))),
        ("weight", "price - price", Some(Value::Double(0.0))),
        ("price", "3", Some(Value::Double(3.0))),
        ("price", "double(pages) / 2.0", Some(Value::Double(54.0))),
        ("listed", "has(title) && pages >= 100", Some(Value::Bool(true))),
        ("checked", "listed", Some(Value::Bool(false))),
        ("digest", "b'\\xff'", Some(Value::Bytes(vec![255].into()))),
        ("status", "STATUS_ACTIVE", Some(Value::Enum(1))),
        ("status", "'STATUS_GONE'", Some(Value::Enum(2))),
        ("status", "2", Some(Value::Enum(2))),
        ("status", "pages > 200 ? STATUS_ACTIVE : listed ? 'STATUS_ACTIVE' : STATUS_GONE", Some(Value::Enum(2))),
        ("sold_at", "now + duration('24h')", Some(Value::Timestamp(NOW + 86_400_000_000))),
        ("sold_at", "'1970-01-01T00:00:01Z'", Some(Value::Timestamp(1_000_000))),
        ("sold_at", "timestamp('1970-01-01T00:00:01Z')", Some(Value::Timestamp(1_000_000))),
        ("sold_at", "has(wait) ? created_at + wait : null", None),
        ("wait", "now - created_at", Some(Value::Duration(0))),
        ("wait", "'1h'", Some(Value::Duration(3_600_000_000))),
        ("views", "created_at.getFullYear()", Some(Value::Int(2023))),
        ("shelf", "box > 0 ? 'box' : 'none'", text("none")),
        ("maker_id", "seller", text("")),
    ];
    for (field, source, expected) in all {
        assert_eq!(value(field, source), Ok(expected), "{field}: {source}");
    }
}

#[test]
fn null_always_means_absence() {
    assert_eq!(value("stock", "views > 0 ? null : views"), Ok(None));
    assert_eq!(value("views", "stock"), Ok(None));
    let stocked = thing(&[("stock", Value::Int(0))]);
    assert_eq!(
        compile("rank", "stock").unwrap().evaluate(&stocked, NOW, &Budget::default()).unwrap(),
        Ok(Some(Value::Int(0)))
    );
}

#[test]
fn failures_explain_why_there_is_no_value() {
    let all = [
        ("rank", "views + 0", EvaluationFailure::OutOfField("an int32")),
        ("rank", "views * views * 2", EvaluationFailure::Overflow),
        ("copies", "uint(views * 2)", EvaluationFailure::OutOfField("a uint32")),
        ("copies", "uint(0 - pages)", EvaluationFailure::Overflow),
        ("weight", "price * 1.0", EvaluationFailure::OutOfField("a float")),
        ("rank", "pages / (pages - 108)", EvaluationFailure::DivisionByZero),
        ("rank", "pages % (pages - 108)", EvaluationFailure::DivisionByZero),
        ("sold_at", "created_at + wait", EvaluationFailure::Absent),
        ("wait", "sold_at - created_at", EvaluationFailure::Absent),
        ("rank", "stock + 1", EvaluationFailure::Null),
        ("title", "tags[0]", EvaluationFailure::NoSuchElement),
        ("title", "labels['a']", EvaluationFailure::NoSuchElement),
        (
            "sold_at",
            "timestamp('9999-12-31T23:59:59Z') + (now - timestamp('1970-01-01T00:00:00Z'))",
            EvaluationFailure::Overflow,
        ),
    ];
    for (field, source, expected) in all {
        assert_eq!(value(field, source), Err(expected), "{field}: {source}");
    }
}

#[test]
fn results_have_a_maximum_length() {
    let formula = compile("nick_name", "title + title").unwrap();
    let half = |length: usize| thing(&[("title", Value::String("x".repeat(length)))]);
    assert!(formula.evaluate(&half(MAX_RESULT_BYTES / 2), NOW, &Budget::default()).unwrap().is_ok());
    assert_eq!(
        formula.evaluate(&half(MAX_RESULT_BYTES / 2 + 1), NOW, &Budget::default()).unwrap(),
        Err(EvaluationFailure::TooLong)
    );
}

#[test]
fn nan_is_canonical() {
    let record = thing(&[("price", Value::Double(f64::INFINITY))]);
    for field in ["price", "weight"] {
        let source = if field == "price" { "double(weight) + (0.0 / double(pages))" } else { "price - price" };
        let actual = compile(field, source).unwrap().evaluate(&record, NOW, &Budget::default()).unwrap();
        assert_eq!(actual, Ok(Some(Value::Double(f64::NAN))), "{field}");
    }
}

#[test]
fn invalid_formulas_are_rejected_with_a_message_and_position() {
    let mut wrong = String::new();
    let mut lines = REFUSALS.lines();
    while let (Some(formula), Some(expected)) = (lines.next(), lines.next()) {
        let (field, source) = formula.split_once(": ").unwrap();
        let actual = compile(field, source).map_or_else(|error| error, |_| "accepted".to_owned());
        if actual != expected.trim_start() {
            wrong.push_str(&format!("{formula}\n    {actual}\n"));
        }
    }
    assert!(wrong.is_empty(), "the errors are now:\n{wrong}");
    assert_eq!(compile("title", "").unwrap_err(), "the expression is empty: write a value, such as `\"x\"`");
}

#[test]
fn formulas_have_the_limits_of_filters() {
    let long = compile("title", &format!("'{}'", "x".repeat(5_000))).unwrap_err();
    assert_eq!(long, "the expression has 5002 bytes; at most 4096 are allowed: shorten it");
    let deep = compile("pages", &vec!["views"; 150].join(" + ")).unwrap_err();
    assert!(deep.contains("deep; at most 100 are allowed: break the chain by `&&` (at"), "{deep}");
    let many = compile("listed", &format!("pages in [{}]", vec!["1"; 501].join(", "))).unwrap_err();
    assert!(many.contains("at most 500 are allowed: shorten it (at"), "{many}");
}

#[test]
fn formula_functions_are_not_allowed_in_filters() {
    let error = super::check("title.trim() == ''").unwrap_err().to_string();
    assert!(error.starts_with("`trim` is for formulas of models: compare with"), "{error}");
    // They have no SQL either.
    let text = Box::new(crate::ir::Expr::Const(crate::ir::Const::String("x".into())));
    let rewritten = crate::ir::Expr::Rewrite { rewrite: crate::ir::Rewrite::Trim, text: text.clone() };
    let comparison = crate::ir::Comparison::Equal;
    let comparison = crate::ir::Expr::Compare { comparison, left: Box::new(rewritten), right: text };
    assert!(crate::Filter::from_expr(scope(), comparison).unwrap_err().message.contains("only formulas"));
}

/// A model with defaults, computed fields, a reference that is cleared, and a deletion time.
const ORDERS: &str = "syntax = \"proto3\"; package a.v1;
    import \"google/protobuf/timestamp.proto\"; import \"groundplan/model/v1/model.proto\";
    message Order {
      option (groundplan.model.v1.model) = {soft_delete: {}};
      string id = 1;
      string a = 2 [(groundplan.model.v1.field).default = 'x'];
      string b = 3 [(groundplan.model.v1.field).computed = 'a'];
      string c = 4;
      string parent = 5 [(groundplan.model.v1.field).references = {model: 'Order' on_delete: ON_DELETE_SET_NULL}];
      google.protobuf.Timestamp created_at = 6;
      google.protobuf.Timestamp updated_at = 7;
      google.protobuf.Timestamp deleted_at = 8;
      bool d = 9;
      int64 e = 10;
    }";

#[test]
fn formulas_read_only_fields_that_are_known_and_stay_valid() {
    use FormulaKind::{Computed, Default};
    let file = groundplan_model::SourceFile { path: "a.proto".into(), content: ORDERS.into() };
    let input = groundplan_model::Input::Files(vec![file]);
    let catalog = groundplan_model::compile(input, &groundplan_model::StorageNames::default()).unwrap().catalog;
    let model = catalog.model("a.v1.Order").unwrap();
    let all = [
        (Default, "c", "a + parent + id", ""),
        (Default, "c", "b", "`b` is computed after all defaults: use the fields that it is computed from (at 1:1)"),
        (Default, "d", "has(deleted_at)", "`deleted_at` is absent in every written record: leave it out (at 1:5)"),
        (Default, "parent", "c", ""),
        (Computed, "c", "a + id", ""),
        (Computed, "e", "created_at.getFullYear()", ""),
        (
            Computed,
            "c",
            "a + b",
            "`b` is computed, too, and computed fields cannot read each other: use the fields that `b` is computed from (at 1:5)",
        ),
        (Computed, "b", "a + b", "`b` is the field of the formula, which cannot read itself (at 1:5)"),
        (
            Computed,
            "d",
            "this.parent != ''",
            "`parent` changes without a write when the record that `parent` refers to is deleted (ON_DELETE_SET_NULL), and nothing \
             is computed then: leave `parent` out (at 1:6)",
        ),
        (
            Computed,
            "e",
            "updated_at.getFullYear()",
            "`updated_at` changes without a write when the record that `parent` refers to is deleted (ON_DELETE_SET_NULL), and \
             nothing is computed then: leave `updated_at` out (at 1:1)",
        ),
    ];
    for (kind, field, source, expected) in all {
        let field = model.shape().by_name(field).unwrap();
        let actual = Formula::compile(crate::Scope { catalog: &catalog, model }, kind, field, source);
        let actual = actual.map_or_else(|error| error.to_string(), |_| String::new());
        assert_eq!(actual, expected, "{kind:?} {source}");
    }
}
