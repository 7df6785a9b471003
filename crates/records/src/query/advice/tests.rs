use super::{ids_descend, order_of, serves, wanted};
use crate::query::Compiled;
use crate::tests::fixture::catalog;
use groundplan_expr::{Access, OrderKey, Scope, Test, value};
use groundplan_model::catalog::{Catalog, Model};
use std::sync::Arc;

const SOURCE: &str = r#"
    syntax = "proto3";
    package test.v1;
    import "groundplan/model/v1/model.proto";
    message Book {
      option (groundplan.model.v1.model) = {
        indexes: { fields: "writer" fields: "published desc" }
        indexes: { fields: "shelf" fields: "title" }
        indexes: { fields: "title" method: INDEX_METHOD_TRIGRAM }
      };
      string id = 1;
      string writer = 2;
      int64 published = 3;
      string shelf = 4;
      string title = 5;
      int64 pages = 6;
      repeated int64 ratings = 7;
    }
"#;

struct Books(Catalog, Arc<Model>);

impl Books {
    fn new() -> Self {
        let catalog = catalog(1, SOURCE);
        let model = catalog.model("test.v1.Book").unwrap().clone();
        Self(catalog, model)
    }

    fn column(&self, name: &str, test: Test) -> Access {
        Access::Column { field: self.1.shape().by_name(name).unwrap(), test }
    }

    fn keys(&self, order: &str) -> Vec<OrderKey> {
        let scope = Scope { catalog: &self.0, model: &self.1 };
        let key = |key: &str| {
            let (name, descending) = key.strip_suffix(" desc").map_or((key, false), |name| (name, true));
            OrderKey { descending, ..value(scope, name).unwrap() }
        };
        order.split(", ").filter(|key| !key.is_empty()).map(key).collect()
    }

    fn ordered(&self, order: &str) -> Compiled {
        let mut compiled = Compiled::default();
        compiled.keys = self.keys(order);
        compiled
    }
}

#[test]
fn what_an_index_begins_with_is_served() {
    let books = Books::new();
    for (access, expected) in [
        (books.column("writer", Test::Equal), true),
        (books.column("writer", Test::Range), true),
        (books.column("writer", Test::Prefix), true),
        (books.column("published", Test::Equal), false),
        (books.column("title", Test::Substring), true),
        (books.column("title", Test::Prefix), true),
        (books.column("title", Test::Equal), false),
        (books.column("id", Test::Equal), true),
        (books.column("id", Test::Range), true),
        (books.column("id", Test::Prefix), false),
        (books.column("ratings", Test::Element), false),
        (Access::Opaque, false),
        (Access::Any(vec![]), false),
        (Access::Any(vec![books.column("id", Test::Equal), Access::Opaque]), false),
        (Access::All(vec![books.column("id", Test::Equal), Access::Opaque]), true),
        (
            Access::Any(vec![
                Access::All(vec![Access::Opaque, books.column("writer", Test::Equal)]),
                books.column("shelf", Test::Equal),
            ]),
            true,
        ),
    ] {
        assert_eq!(serves(&books.1, &access), expected, "{access:?}");
    }
}

#[test]
fn orders_follow_an_index_forwards_or_backwards() {
    let books = Books::new();
    for (order, expected) in [
        ("writer, published desc", Some(false)),
        ("writer desc, published", Some(true)),
        ("writer", Some(false)),
        ("writer desc", Some(true)),
        ("writer, published", None),
        ("published desc", None),
        ("shelf desc, title desc", Some(true)),
        ("writer, published desc, pages", None),
    ] {
        let keys = books.keys(order);
        let found = books.1.indexes.iter().find_map(|index| order_of(index, &[], &keys));
        assert_eq!(found, expected, "{order}");
        let descends = expected.unwrap_or(order == "published desc");
        assert_eq!(ids_descend(&books.1, &books.ordered(order), None), descends, "{order}");
    }
    let writer = books.1.shape().by_name("writer").unwrap();
    let found = books.1.indexes.iter().find_map(|index| order_of(index, &[writer], &books.keys("published")));
    assert_eq!(found, Some(true), "with one writer, the order is that of the column behind");
}

#[test]
fn advice_can_be_pasted() {
    let books = Books::new();
    let all = |parts: &[Access]| Access::All(parts.to_vec());
    let pages = books.column("pages", Test::Equal);
    for (access, order, expected) in [
        (pages.clone(), "", Some(r#"indexes: { fields: "pages" }"#)),
        (pages.clone(), "published desc", Some(r#"indexes: { fields: "pages" fields: "published desc" }"#)),
        (
            all(&[books.column("published", Test::Range), pages.clone()]),
            "title",
            Some(r#"indexes: { fields: "pages" fields: "published" }"#),
        ),
        (
            all(&[books.column("published", Test::Range), pages.clone()]),
            "published desc, title",
            Some(r#"indexes: { fields: "pages" fields: "published desc" fields: "title" }"#),
        ),
        (
            all(&[books.column("ratings", Test::Element), Access::Opaque]),
            "",
            Some(r#"indexes: { fields: "ratings" method: INDEX_METHOD_ELEMENTS }"#),
        ),
        (
            books.column("writer", Test::Substring),
            "",
            Some(r#"indexes: { fields: "writer" method: INDEX_METHOD_TRIGRAM }"#),
        ),
        (
            Access::Any(vec![books.column("writer", Test::Equal), pages.clone(), books.column("title", Test::Range)]),
            "published",
            Some(r#"indexes: { fields: "pages" } indexes: { fields: "title" }"#),
        ),
        (Access::Any(vec![pages, Access::Opaque]), "", None),
        (Access::Opaque, "pages", None),
    ] {
        let found = wanted(&books.1, &access, &books.keys(order)).map(|lines| lines.join(" "));
        assert_eq!(found.as_deref(), expected, "{access:?}");
    }
}
