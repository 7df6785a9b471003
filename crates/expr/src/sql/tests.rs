//! Tests that callers cannot inject or inflate SQL. Golden files test the SQL, and `records` tests its meaning with PostgreSQL.

use crate::{ExprError, Filter, Scope};
use groundplan_model::{Catalog, Input, SourceFile, StorageNames};
use proptest::prelude::*;
use std::sync::OnceLock;

/// Returns the catalog of the golden files.
pub(crate) fn shop() -> &'static Catalog {
    static SHOP: OnceLock<Catalog> = OnceLock::new();
    SHOP.get_or_init(|| {
        let content = include_str!("../../tests/golden/shop.proto").to_owned();
        let files = vec![SourceFile { path: "shop/v1/shop.proto".to_owned(), content }];
        groundplan_model::compile(Input::Files(files), &StorageNames::default()).unwrap().catalog
    })
}

pub(crate) fn compile(expression: &str) -> Result<Filter, ExprError> {
    Filter::compile(Scope { catalog: shop(), model: shop().model("shop.v1.Book").unwrap() }, expression)
}

/// A text that never occurs in compiled SQL.
const MARK: &str = "zq7x";

/// Returns a CEL literal.
fn quoted(text: &str) -> String {
    let escaped: String = text.chars().map(|character| format!("\\U{:08x}", u32::from(character))).collect();
    format!("\"{escaped}\"")
}

/// Whether each `?` is a slot, and the text contains nothing from the caller.
fn is_clean(filter: &Filter) -> bool {
    let text = &filter.sql().text;
    text.matches('?').count() == filter.sql().slots.len() && !text.contains(MARK)
}

const PLACES: &[&str] = &[
    "title == X",
    "X == title",
    "title != X",
    "title < X",
    "!(subtitle >= X)",
    "nickname == X",
    "id == X",
    "author_id != X",
    "publisher == X",
    "id > X",
    "title in [X, \"a\"]",
    "author_id in [X, \"a\"]",
    "title.startsWith(X)",
    "title.endsWith(X)",
    "subtitle.contains(X)",
    "!nickname.contains(X)",
    "title + X == motto",
    "X in tags",
    "X in stock",
    "stock[X] > 1",
    "sizes[X].width > 1",
    "sizes[X].unit.name == X",
    "!has(sizes[X].unit.name)",
    "chapters[0].sizes[X].width in [1, 2]",
    "chapters[0].keywords.exists(k, k == X)",
    "size_of.unit.name == X",
    "tags.exists(t, t == X)",
    "chapters.all(c, c.title != X)",
    "author.country == X",
    "(published ? title : X) == motto",
    "(title == X) == published",
    "search(summary, X)",
];

proptest! {
    #[test]
    fn no_text_of_a_caller_is_in_the_sql(nasty in "[ -~é'\"?$;\\\\%_\u{10ffff}]{0,12}") {
        let literal = quoted(&format!("{MARK}{nasty}"));
        for template in PLACES {
            let filter = compile(&template.replace('X', &literal)).unwrap();
            prop_assert!(is_clean(&filter), "{}", filter.sql().text);
        }
    }

    #[test]
    fn no_number_of_a_caller_is_in_the_sql(number in 1_000_000_000_000_i64..) {
        for template in [
            "sold == X", "sold in [X, 1]", "price > X", "views > Xu", "sold + X > 1", "X in stars", "stars[X] == 1",
            "rank != X", "notes[5] == string(X)", "double(sold) < X.5", "price * X.5 > 1.0",
        ] {
            if let Ok(filter) = compile(&template.replace('X', &number.to_string())) {
                prop_assert!(!filter.sql().text.contains(&number.to_string()), "{}", filter.sql().text);
            }
        }
    }
}

#[test]
fn exploding_sql_is_rejected() {
    let choice = |inner: &str| format!("(published ? {inner} : sold) + sold");
    let nested = (0..12).fold("sold".to_owned(), |inner, _| choice(&inner));
    let error = compile(&format!("{nested} > 1")).unwrap_err();
    assert!(error.message.contains("simplify"), "{error}");
    let sum = vec!["sold"; 50].join(" + ");
    assert!(compile(&format!("{sum} > 1")).unwrap().sql().text.len() < super::MAX_TEXT);
}

#[test]
fn deep_expressions_are_compiled_or_rejected_quickly() {
    let nested = |inner: &str, open: &str, close: &str, levels: usize| {
        (0..levels).fold(inner.to_owned(), |inner, _| format!("{open}{inner}{close}"))
    };
    for source in [
        nested("title == \"x\"", "tags.exists(t, ", ")", 2),
        nested("title == \"x\"", "tags.all(t, ", ")", 2),
        nested("events[0] > now", "!tags.exists_one(t, !tags.all(u, ", "))", 1),
        nested("0", "chapters[", "].pages", 23) + " == 1",
        nested("0", "chapters[", " == 1 ? 0 : 1].pages", 23) + " == 1",
        nested("\"a\"", "sizes[", "].unit.name", 23) + " == \"\"",
        format!("chapters[0]{}.title == \"\"", ".chapters[0]".repeat(47)),
        format!("chapters[0]{}.chapters.all(c, c.title == \"\")", ".chapters[sold]".repeat(46)),
    ] {
        let started = std::time::Instant::now();
        let worker = std::thread::Builder::new().stack_size(2 << 20);
        let compiled = std::thread::scope(|scope| {
            worker.spawn_scoped(scope, || compile(&source).map(|_| ())).unwrap().join().unwrap()
        });
        assert!(started.elapsed().as_secs() < 60, "{:?} for {source}", started.elapsed());
        let error = compiled.err().map(|error| error.message);
        assert!(error.as_ref().is_none_or(|message| message.contains("simplify")), "{error:?}: {source}");
    }
}
