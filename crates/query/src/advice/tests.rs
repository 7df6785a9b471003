use super::{Order, advice, ids_descend, is_too_short, order_of, serves, serves_page, suggested};
use crate::Compiled;
use crate::testing::catalog;
use groundplan_expr::{Access, ColumnTest, OrderKey, Scope, value};
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
        indexes: { fields: "isbn" fields: "pages" unique: true }
        indexes: { fields: "shelf" fields: "maybe" unique: true }
        indexes: { fields: "pages" fields: "id desc" }
      };
      string id = 1;
      string writer = 2;
      int64 published = 3;
      string shelf = 4;
      string title = 5;
      int64 pages = 6;
      repeated int64 ratings = 7;
      string isbn = 8;
      optional int64 maybe = 9;
      bool lent = 10;
    }
"#;

struct Books(Catalog, Arc<Model>);

impl Books {
    fn new() -> Self {
        Self::of(SOURCE)
    }

    fn of(source: &str) -> Self {
        let catalog = catalog(1, source);
        let model = catalog.model("test.v1.Book").unwrap().clone();
        Self(catalog, model)
    }

    fn column(&self, name: &str, test: ColumnTest) -> Access {
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
        let (order, direction) = match order.split_once(", id") {
            Some((order, direction)) => (order, Some(direction == " desc")),
            None => (order, None),
        };
        compiled.keys = self.keys(order);
        compiled.ids_descend = direction;
        compiled
    }
}

#[test]
fn what_an_index_begins_with_is_served() {
    let books = Books::new();
    for (access, expected) in [
        (books.column("writer", ColumnTest::Equal), true),
        (books.column("writer", ColumnTest::Range), true),
        (books.column("writer", ColumnTest::Prefix), true),
        (books.column("published", ColumnTest::Equal), false),
        (books.column("title", ColumnTest::Substring), true),
        (books.column("title", ColumnTest::Prefix), true),
        (books.column("title", ColumnTest::ShortPrefix), false),
        (books.column("writer", ColumnTest::ShortPrefix), true),
        (Access::TooShort, false),
        (books.column("title", ColumnTest::Equal), false),
        (books.column("id", ColumnTest::Equal), true),
        (books.column("id", ColumnTest::Range), true),
        (books.column("id", ColumnTest::Prefix), false),
        (books.column("ratings", ColumnTest::Element), false),
        (Access::Opaque, false),
        (Access::Any(vec![]), true),
        (Access::Any(vec![books.column("id", ColumnTest::Equal), Access::Opaque]), false),
        (Access::All(vec![books.column("id", ColumnTest::Equal), Access::Opaque]), true),
        (
            Access::Any(vec![
                Access::All(vec![Access::Opaque, books.column("writer", ColumnTest::Equal)]),
                books.column("shelf", ColumnTest::Equal),
            ]),
            true,
        ),
    ] {
        assert_eq!(serves(&books.1, &access), expected, "{access:?}");
    }
}

#[test]
fn an_index_gives_all_of_an_order_or_nothing() {
    let books = Books::new();
    for (order, expected) in [
        ("writer, published desc", Some(false)),
        ("writer desc, published", Some(true)),
        ("writer, published desc, id", Some(false)),
        ("writer, published desc, id desc", None),
        ("writer desc, published, id desc", Some(true)),
        // Other columns of the index stand before the id.
        ("writer", None),
        ("writer desc", None),
        ("writer, published", None),
        ("published desc", None),
        ("shelf desc, title desc", Some(true)),
        ("writer, published desc, pages", None),
        // Without an id after them: no two records are equal in these, except for NULLs.
        ("isbn desc, pages desc", Some(true)),
        ("isbn, pages, id desc", Some(true)),
        ("isbn", None),
        ("shelf, maybe", None),
        ("pages", Some(true)),
        ("pages, id desc", Some(true)),
        ("pages desc", Some(false)),
        ("pages, id", None),
    ] {
        let compiled = books.ordered(order);
        let given = |index| order_of(&books.1, index, &[], Order::of(&compiled));
        assert_eq!(books.1.indexes.iter().find_map(given), expected, "{order}");
        assert_eq!(serves_page(&books.1, &compiled, None), expected.is_some(), "{order}");
        let descends = expected.or(compiled.ids_descend).unwrap_or(["published desc", "writer desc"].contains(&order));
        assert_eq!(ids_descend(&books.1, &compiled, None), descends, "{order}");
    }
    let writer = books.1.shape().by_name("writer").unwrap();
    let compiled = books.ordered("published");
    let given = |index| order_of(&books.1, index, &[writer], Order::of(&compiled));
    let found = books.1.indexes.iter().find_map(given);
    assert_eq!(found, Some(true), "with one writer, the order is that of the column behind");
}

#[test]
fn advice_can_be_pasted() {
    let books = Books::new();
    let all = |parts: &[Access]| Access::All(parts.to_vec());
    let lent = books.column("lent", ColumnTest::Equal);
    for (access, order, expected) in [
        (lent.clone(), "", Some(r#"indexes: { fields: "lent" }"#)),
        (lent.clone(), "published desc", Some(r#"indexes: { fields: "lent" fields: "published desc" }"#)),
        (
            all(&[books.column("published", ColumnTest::Range), lent.clone()]),
            "title",
            Some(r#"indexes: { fields: "lent" fields: "published" }"#),
        ),
        (
            all(&[books.column("published", ColumnTest::Range), lent.clone()]),
            "published desc, title",
            Some(r#"indexes: { fields: "lent" fields: "published desc" fields: "title" }"#),
        ),
        (
            all(&[books.column("ratings", ColumnTest::Element), Access::Opaque]),
            "",
            Some(r#"indexes: { fields: "ratings" method: INDEX_METHOD_ELEMENTS }"#),
        ),
        (
            books.column("writer", ColumnTest::Substring),
            "",
            Some(r#"indexes: { fields: "writer" method: INDEX_METHOD_TRIGRAM }"#),
        ),
        (
            Access::Any(vec![
                books.column("writer", ColumnTest::Equal),
                lent.clone(),
                books.column("title", ColumnTest::Range),
            ]),
            "published",
            Some(r#"indexes: { fields: "lent" } indexes: { fields: "title" }"#),
        ),
        (Access::Any(vec![lent.clone(), Access::Opaque]), "", None),
        (Access::Opaque, "lent", None),
        (all(&[Access::Opaque, Access::TooShort]), "lent", None),
        (lent.clone(), "title, id desc", Some(r#"indexes: { fields: "lent" fields: "title" fields: "id desc" }"#)),
    ] {
        let found = suggested(&books.1, &access, Order::of(&books.ordered(order))).map(|lines| lines.join(" "));
        assert_eq!(found.as_deref(), expected, "{access:?}");
    }
}

/// A model with all kinds of fields, and what its option says.
fn every_kind(option: &str) -> Books {
    let source = r#"
        syntax = "proto3";
        package test.v1;
        import "google/protobuf/duration.proto";
        import "google/protobuf/timestamp.proto";
        import "google/protobuf/wrappers.proto";
        import "groundplan/model/v1/model.proto";
        message Writer { option (groundplan.model.v1.model) = {}; string id = 1; }
        enum Kind { KIND_UNSPECIFIED = 0; KIND_A = 1; }
        message Book {
          option (groundplan.model.v1.model) = { OPTION };
          string id = 1;
          string title = 2;
          optional string note = 3;
          google.protobuf.StringValue nickname = 4;
          string writer_id = 5 [(groundplan.model.v1.field) = {references: {model: "Writer" on_delete: ON_DELETE_CASCADE}}];
          google.protobuf.Timestamp seen_at = 6;
          google.protobuf.Duration span = 7;
          Kind kind = 8;
          bool lent = 9;
          double weight = 10;
          uint64 big = 11;
          bytes raw = 12;
          repeated string tags = 13;
          repeated google.protobuf.StringValue wrapped = 14;
          repeated Kind kinds = 15;
          repeated bytes raws = 16;
          google.protobuf.Int64Value number = 17;
        }
    "#;
    Books::of(&source.replace("OPTION", option))
}

#[test]
fn advice_is_taken_by_the_compiler_and_serves() {
    let none = every_kind("");
    let compile = |books: &Books, filter: &str, order: &str| Compiled::new(&books.0, &books.1, filter, order).unwrap();
    for (filter, order, has_advice) in [
        ("title == 'a'", "", true),
        ("title.contains('abc')", "", true),
        ("note.contains('abc')", "title", true),
        ("note.endsWith('bc') && lent", "", true),
        ("title.matches('^abc')", "", true),
        ("title.startsWith('a')", "", true),
        ("nickname.contains('abc')", "", false),
        ("nickname.matches('abc')", "", false),
        ("nickname.startsWith('abc')", "", true),
        ("nickname == null", "", true),
        ("writer_id.contains('abc')", "", false),
        ("writer_id != '' && lent", "", true),
        ("seen_at > now || span < duration('1h')", "", true),
        ("kind == KIND_A && weight > 1.0", "weight desc, big", true),
        ("kind == KIND_A", "weight desc, big, id desc", true),
        ("raw == b'a' || big in [1u, 2u]", "", true),
        ("'a' in tags", "", true),
        ("'a' in wrapped", "", false),
        ("KIND_A in kinds || b'a' in raws", "", true),
        ("number == 3", "number", true),
        ("title.contains('ab')", "", false),
        ("id.contains('abc')", "", false),
        ("", "title", true),
        ("", "note desc, id desc", true),
        ("", "seen_at desc, number, id", true),
        ("", "title, note, nickname, seen_at, span, kind, lent, weight", true),
    ] {
        let compiled = match Compiled::new(&none.0, &none.1, filter, order) {
            Ok(compiled) => compiled,
            Err(error) => panic!("{filter}: {error}"),
        };
        assert!(!serves_page(&none.1, &compiled, None), "{filter} {order}");
        let lines = advice(&none.1, &compiled);
        assert_eq!(lines.is_some(), has_advice, "{filter} {order}: {lines:?}");
        let Some(lines) = lines else { continue };
        // The fixture panics on compile errors.
        let indexed = every_kind(&lines);
        let compiled = compile(&indexed, filter, order);
        assert!(serves_page(&indexed.1, &compiled, None), "{filter} {order}: {lines}");
    }
    assert!(is_too_short(&compile(&none, "lent || title.contains('ab')", "")));
    assert!(!is_too_short(&compile(&none, "lent || title.contains('abc')", "")));
}

#[test]
fn ids_of_callers_have_indexes_beside_the_key() {
    let source = |option: &str| {
        format!(
            "syntax = \"proto3\"; package test.v1; import \"groundplan/model/v1/model.proto\"; message Book {{ \
             option (groundplan.model.v1.model) = {{ id_format: ID_FORMAT_CLIENT_ASSIGNED {option} }}; string id = 1; }}"
        )
    };
    let none = Books::of(&source(""));
    let compile = |books: &Books, filter: &str| Compiled::new(&books.0, &books.1, filter, "").unwrap();
    assert!(serves_page(&none.1, &compile(&none, "id.startsWith('a')"), None));
    let lines = advice(&none.1, &compile(&none, "id.contains('abc')")).unwrap();
    assert_eq!(lines, r#"indexes: { fields: "id" method: INDEX_METHOD_TRIGRAM }"#);
    let indexed = Books::of(&source(&lines));
    assert!(serves_page(&indexed.1, &compile(&indexed, "id.contains('abc')"), None));
    let lines = r#"indexes: { fields: "id" method: INDEX_METHOD_SEARCH }"#;
    let indexed = Books::of(&source(lines));
    assert!(serves_page(&indexed.1, &compile(&indexed, "search(id, 'abc')"), None));
    assert!(!serves_page(&indexed.1, &compile(&indexed, "search(id, '-abc')"), None));
}
