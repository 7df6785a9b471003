//! Queries without a suitable index are rejected on large tables, with the index to declare.

use super::fixture::Fixture;
use crate::Settings;
use groundplan_model::catalog::MethodKind::{Aggregate, ExplainList, List};
use serde_json::{Value, json};
use tonic::Code;
use tonic_types::StatusExt;

const BOOKS: &str = r#"
    syntax = "proto3";
    package test.v1;
    import "groundplan/model/v1/model.proto";
    message Book {
      option (groundplan.model.v1.model) = {
        indexes: { fields: "writer" fields: "published desc" }
        indexes: { fields: "title" method: INDEX_METHOD_TRIGRAM }
      };
      string id = 1;
      string writer = 2;
      int64 published = 3;
      string title = 4;
      int64 pages = 5;
      repeated int64 ratings = 6;
      bool lent = 7;
    }
"#;

/// A service on which every table with a row is large.
async fn large() -> Fixture {
    let fixture = Fixture::with_settings(Settings { scan_limit_bytes: 1_000, ..Settings::default() }).await;
    fixture.apply(1, BOOKS).await.unwrap();
    let sql = "INSERT INTO test_v1.book (_tenant, _version, id, writer, title) \
               SELECT 'default', 1, gen_random_uuid(), 'w' || n % 9, 't' || n FROM generate_series(1, 200) n RETURNING 1";
    fixture.query(sql).await;
    fixture
}

#[tokio::test]
async fn what_no_index_serves_names_the_index() {
    let fixture = large().await;
    for (request, advice) in [
        (json!({"filter": "pages == 3"}), Some(r#"indexes: { fields: "pages" }"#)),
        (
            json!({"filter": "pages > 3 && lent", "orderBy": "title"}),
            Some(r#"indexes: { fields: "lent" fields: "pages" }"#),
        ),
        (
            json!({"filter": "lent", "orderBy": "published desc, title"}),
            Some(r#"indexes: { fields: "lent" fields: "published desc" fields: "title" }"#),
        ),
        (json!({"orderBy": "published desc"}), Some(r#"indexes: { fields: "published desc" }"#)),
        (json!({"orderBy": "writer"}), Some(r#"indexes: { fields: "writer" }"#)),
        (
            json!({"orderBy": "writer, published desc, id desc"}),
            Some(r#"indexes: { fields: "writer" fields: "published desc" fields: "id desc" }"#),
        ),
        (json!({"orderBy": "writer, published"}), Some(r#"indexes: { fields: "writer" fields: "published" }"#)),
        (
            json!({"filter": "writer == 'w1' || 3 in ratings"}),
            Some(r#"indexes: { fields: "ratings" method: INDEX_METHOD_ELEMENTS }"#),
        ),
        (
            json!({"filter": "writer.contains('xyz')"}),
            Some(r#"indexes: { fields: "writer" method: INDEX_METHOD_TRIGRAM }"#),
        ),
        (json!({"filter": "pages + 1 == 3"}), None),
        (json!({"filter": "title.contains('t1')"}), None),
        (json!({"filter": "title.matches('t.*1')"}), None),
        (json!({"count": "COUNT_EXACT"}), None),
    ] {
        let status = fixture.call("Book", List, request.clone()).await.unwrap_err();
        assert_eq!(status.code(), Code::FailedPrecondition, "{request}");
        let details = status.get_error_details();
        let info = details.error_info().unwrap();
        assert_eq!(info.reason, "INDEX_REQUIRED");
        assert_eq!(info.metadata.get("index").map(String::as_str), advice, "{request}");
        assert!(advice.is_none_or(|advice| status.message().contains(advice)), "{}", status.message());
        assert!(status.message().contains("allow_scan"), "{}", status.message());
        let mut scanning = request.clone();
        scanning["allowScan"] = json!(true);
        fixture.call("Book", List, scanning).await.unwrap();
        let is_short = request.to_string().contains("title.");
        assert_eq!(status.message().contains("three letters or digits"), is_short, "{}", status.message());
        let explained = fixture.call("Book", ExplainList, json!({"list": request})).await.unwrap();
        assert!(explained.get("served").is_none());
        assert_eq!(explained.get("advice").and_then(Value::as_str), advice, "{request}");
    }
}

#[tokio::test]
async fn what_an_index_serves_is_read() {
    let fixture = large().await;
    for request in [
        json!({}),
        json!({"orderBy": "id desc"}),
        json!({"orderBy": "writer, published desc, id"}),
        json!({"filter": "false"}),
        json!({"orderBy": "writer desc, published"}),
        json!({"filter": "writer == 'w1'"}),
        json!({"filter": "writer in ['w1', 'w2'] && pages == 3", "orderBy": "pages", "count": "COUNT_EXACT"}),
        json!({"filter": "writer > 'w1' && writer < 'w3'"}),
        json!({"filter": "writer.startsWith('w')"}),
        json!({"filter": "title.contains('t12') && lent"}),
        json!({"filter": "id == '0198c0de-7a5e-7c3b-9d41-0242ac120002' || writer == 'w3'"}),
        json!({"count": "COUNT_ESTIMATED"}),
    ] {
        fixture.call("Book", List, request.clone()).await.unwrap_or_else(|status| panic!("{request}: {status:?}"));
        let explained = fixture.call("Book", ExplainList, json!({"list": request})).await.unwrap();
        assert_eq!(explained["served"], json!(true), "{request}");
    }
}

#[tokio::test]
async fn aggregates_are_admitted_like_lists() {
    let fixture = large().await;
    let count = |filter: &str, scan: bool| json!({"filter": filter, "allowScan": scan, "aggregations": [{"function": "FUNCTION_COUNT"}]});
    for (filter, served) in [("", false), ("lent", false), ("writer == 'w1'", true)] {
        let answer = fixture.call("Book", Aggregate, count(filter, false)).await;
        assert_eq!(answer.is_ok(), served, "{filter}");
        assert!(answer.err().is_none_or(|status| status.code() == Code::FailedPrecondition));
        fixture.call("Book", Aggregate, count(filter, true)).await.unwrap();
    }
}

#[tokio::test]
async fn small_tables_are_read_without_an_index() {
    let fixture = Fixture::with_settings(Settings { scan_limit_bytes: 1 << 20, ..Settings::default() }).await;
    fixture.apply(1, BOOKS).await.unwrap();
    fixture
        .call("Book", List, json!({"filter": "pages + 1 == 3", "orderBy": "lent", "count": "COUNT_EXACT"}))
        .await
        .unwrap();
}

/// A page that is served is read by an index that gives its order: nothing is sorted.
#[tokio::test]
async fn a_served_order_is_not_sorted() {
    let fixture = large().await;
    fixture.query("INSERT INTO test_v1.book (_tenant, _version, id, writer, title) SELECT 'default', 1, gen_random_uuid(), 'w' || n % 9, 't' FROM generate_series(1, 20000) n RETURNING 1").await;
    fixture.query("ANALYZE test_v1.book").await;
    for order in ["writer, published desc", "writer desc, published", "writer desc, published, id desc", "id desc"] {
        let explained = fixture.call("Book", ExplainList, json!({"list": {"orderBy": order}})).await.unwrap();
        assert_eq!(explained["served"], json!(true), "{order}");
        let plan = explained["planJson"].as_str().unwrap();
        assert!(!plan.contains("Sort") && explained["indexes"].as_array().unwrap().len() == 1, "{order}: {plan}");
    }
}
