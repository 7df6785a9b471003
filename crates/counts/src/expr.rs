//! Filters and orders over a book.

use crate::case::Case;
use crate::codec::book;
use groundplan_budget::Budget;
use groundplan_expr::{Filter, Scope, order_by};
use groundplan_model::Catalog;
use std::hint::black_box;

/// A condition with an index, a comparison, a text function and a list.
const FILTER: &str =
    r#"title.startsWith("The") && page_count > 300 && 5 in ratings && (genre == "GENRE_SCIENCE" || has(isbn))"#;

pub(crate) fn cases(catalog: &Catalog) -> Vec<Case<'_>> {
    let scope = Scope { catalog, model: catalog.model("library.v1.Book").unwrap() };
    let filter = Filter::compile(scope, FILTER).unwrap();
    let record = book(catalog);
    let evaluate = move || filter.evaluate(scope, &record, 0, &|_| None, &Budget::default()).unwrap().unwrap();
    assert!(evaluate(), "the book matches");
    vec![
        Case::pure("expr.compile_filter", move || {
            black_box(Filter::compile(scope, FILTER).unwrap());
        }),
        Case::pure("expr.evaluate_filter", move || {
            black_box(evaluate());
        }),
        Case::pure("expr.order_by", move || {
            black_box(order_by(scope, "genre desc, publish_time, title").unwrap());
        }),
    ]
}
