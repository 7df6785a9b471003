//! Filters, counts, masks, skips and explanations, as gRPC clients call them.

use super::fixture::Fixture;
use super::list_keyset::{MODELS, fill};
use crate::operations::list;
use groundplan_chassis::database::{Columns, Sql, rows};
use groundplan_identity::Principal;
use groundplan_model::catalog::MethodKind::{ExplainList, List};
use groundplan_operations::ListQuery;
use groundplan_query::MAX_KEPT;
use serde_json::{Value, json};
use std::collections::HashSet;
use tonic::Code;
use tonic_types::StatusExt;

async fn filled(count: usize) -> Fixture {
    let fixture = Fixture::empty().await;
    fixture.apply(1, MODELS).await.unwrap();
    fixture.query(&fill(count)).await;
    fixture
}

async fn count(fixture: &Fixture, condition: &str) -> i64 {
    let rows = fixture.query(&format!("SELECT count(*) FROM test_v1.row WHERE {condition}")).await;
    rows[0].i64(0).unwrap().unwrap()
}

#[tokio::test]
async fn filters_and_counts() {
    let fixture = filled(100).await;
    for (filter, sql) in [
        ("bucket == 3", "bucket = 3"),
        ("bucket in [1, 2] && !touched", "bucket IN (1, 2) AND NOT touched"),
        ("title.startsWith('a') || color == COLOR_BLUE", "title LIKE 'a%' OR color = 2"),
        ("rank > 100", "rank > 100"),
        ("bucket == 99", "false"),
        ("  ", "true"),
    ] {
        let expected = count(&fixture, sql).await;
        let request = json!({"filter": filter, "pageSize": 2, "count": "COUNT_EXACT", "orderBy": "title desc"});
        let page = fixture.call("Row", List, request.clone()).await.unwrap();
        let found = page.get("totalSize").and_then(Value::as_str).unwrap_or("0").to_owned();
        assert_eq!(found, expected.to_string(), "{filter}");
        assert!(page.get("totalSizeIsEstimate").is_none());
        let records = page.get("rows").and_then(Value::as_array).map_or(0, Vec::len);
        assert_eq!(i64::try_from(records).unwrap(), expected.min(2), "{filter}");
        if let Some(token) = page.get("nextPageToken") {
            let mut next = request;
            next["pageToken"] = token.clone();
            let page = fixture.call("Row", List, next).await.unwrap();
            assert_eq!(page["totalSize"], json!(expected.to_string()), "{filter}");
        }
    }
    fixture.query("ANALYZE test_v1.row").await;
    let request = json!({"filter": "bucket == 3", "count": "COUNT_ESTIMATED"});
    let page = fixture.call("Row", List, request).await.unwrap();
    assert_eq!(page["totalSizeIsEstimate"], json!(true));
    let estimate: i64 = page["totalSize"].as_str().unwrap().parse().unwrap();
    assert!((10..=30).contains(&estimate), "{estimate}");
    let page = fixture.call("Row", List, json!({"count": "COUNT_ESTIMATED"})).await.unwrap();
    assert_eq!(page["totalSize"], json!("100"));
    // After the end there is only a count.
    let request = json!({"skip": 1000, "count": "COUNT_EXACT"});
    let page = fixture.call("Row", List, request).await.unwrap();
    assert_eq!(page, json!({"totalSize": "100"}));
}

#[tokio::test]
async fn masks_select_fields() {
    let fixture = filled(3).await;
    let request = json!({"readMask": "title,place.town", "orderBy": "weight, rank", "pageSize": 2});
    let page = fixture.call("Row", List, request.clone()).await.unwrap();
    for row in page["rows"].as_array().unwrap() {
        let keys: Vec<&String> = row.as_object().unwrap().keys().collect();
        assert!(keys.iter().all(|key| ["title", "place"].contains(&key.as_str())), "{row}");
        assert!(row["place"].get("number").is_none());
    }
    let mut explained = fixture.call("Row", ExplainList, json!({"list": request})).await.unwrap();
    let sql = explained["sql"].take();
    let sql = sql.as_str().unwrap();
    assert!(sql.contains("r.\"title\"") && sql.contains("r.\"rank\"") && !sql.contains("\"note\""), "{sql}");
    let status = fixture.call("Row", List, json!({"readMask": "titel"})).await.unwrap_err();
    assert_eq!(status.get_error_details().bad_request().unwrap().field_violations[0].field, "read_mask");
}

#[tokio::test]
async fn errors_name_the_invalid_field() {
    let fixture = filled(1).await;
    for (request, reason, field) in [
        (json!({"filter": "titel == 'a'"}), "FILTER_INVALID", "filter"),
        (json!({"filter": "title > 3"}), "FILTER_INVALID", "filter"),
        (json!({"filter": "title =="}), "FILTER_INVALID", "filter"),
        (json!({"filter": "x".repeat(1 << 20)}), "FILTER_INVALID", "filter"),
        (json!({"orderBy": "titel"}), "ORDER_INVALID", "order_by"),
        (json!({"orderBy": "title, title desc"}), "ORDER_INVALID", "order_by"),
        (json!({"orderBy": "title,".repeat(1_000)}), "ORDER_INVALID", "order_by"),
        (json!({"skip": -1}), "INVALID_FIELDS", "skip"),
        (json!({"skip": 100_001}), "INVALID_FIELDS", "skip"),
        (json!({"pageSize": -1}), "INVALID_FIELDS", "page_size"),
        (json!({"count": 7}), "INVALID_FIELDS", "count"),
    ] {
        let status = fixture.call("Row", List, request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        let details = status.get_error_details();
        assert_eq!(details.error_info().unwrap().reason, reason, "{}", status.message());
        assert_eq!(details.bad_request().unwrap().field_violations[0].field, field);
        assert!(status.message().len() < 1_100);
    }
    let status = fixture.call("Row", List, json!({"filter": "bucket == 1 &&\n titel == 'a'"})).await.unwrap_err();
    let metadata = status.get_error_details().error_info().unwrap().metadata.clone();
    assert_eq!((metadata["line"].as_str(), metadata["column"].as_str()), ("2", "2"));
    assert!(status.message().contains("title"), "{}", status.message());
}

#[tokio::test]
async fn explanations_contain_no_values() {
    let fixture = filled(2_000).await;
    fixture.query("ANALYZE test_v1.row").await;
    let list = json!({"filter": "bucket == 3 && title != 'secret'", "orderBy": "title desc", "pageSize": 10});
    let explained = fixture.call("Row", ExplainList, json!({"list": list})).await.unwrap();
    let sql = explained["sql"].as_str().unwrap();
    assert!(sql.contains("WHERE r._tenant = $1 AND (") && !sql.contains("secret") && !sql.contains('?'), "{sql}");
    let values = sql.matches('$').count();
    assert_eq!(explained["parameterTypes"].as_array().unwrap().len(), values);
    assert_eq!(explained["served"], json!(true));
    assert_eq!(explained["indexes"].as_array().unwrap().len(), 1);
    let estimate: i64 = explained["estimatedRows"].as_str().unwrap().parse().unwrap();
    assert!((150..500).contains(&estimate), "{estimate}");
    assert!(explained["estimatedCost"].as_f64().unwrap() > 0.0);
    let plan: Value = serde_json::from_str(explained["planJson"].as_str().unwrap()).unwrap();
    assert!(plan[0]["Plan"]["Node Type"].is_string());
    let list = json!({"filter": "big > 3u", "count": "COUNT_EXACT"});
    let explained = fixture.call("Row", ExplainList, json!({"list": list})).await.unwrap();
    assert!(explained.get("served").is_none());
    assert_eq!(explained["advice"], json!(r#"indexes: { fields: "big" }"#));
    let status = fixture.call("Row", ExplainList, json!({"list": {"pageSize": -1}})).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn connections_keep_few_prepared_statements() {
    let fixture = filled(5).await;
    let principal = Principal::root();
    let call = fixture.operation(&principal, "Row");
    let fields = ["title", "bucket", "rank", "weight", "seen_at", "color", "touched", "note", "big", "raw", "span"];
    let mut texts = 0;
    'all: for first in fields {
        for second in fields.into_iter().filter(|second| *second != first) {
            for (one, other) in
                [("", ""), (" desc", ""), ("", " desc"), (" desc", " desc"), (" desc", ", id desc"), ("", ", id desc")]
            {
                let query = ListQuery { order_by: format!("{first}{one}, {second}{other}"), ..ListQuery::default() };
                for _ in 0..2 {
                    list(&call, &query, None).await.unwrap();
                }
                texts += 1;
                if texts == MAX_KEPT + 60 {
                    break 'all;
                }
            }
        }
    }
    assert_eq!(texts, MAX_KEPT + 60);
    // Sequential calls used a single connection, which this queries.
    let sql = Sql::new("SELECT count(*) FROM pg_prepared_statements");
    let mut lease = fixture.database.lease().await.unwrap();
    let kept = lease.run(async |conn| rows(conn, &sql, &[]).await).await.unwrap()[0].i64(0).unwrap().unwrap();
    assert!((100..=i64::try_from(MAX_KEPT).unwrap() + 20).contains(&kept), "{kept}");
}

#[tokio::test]
async fn large_page_reads_one_snapshot() {
    let fixture = filled(300).await;
    let reading = async {
        for _ in 0..30 {
            let request = json!({"orderBy": "weight", "pageSize": 1000, "count": "COUNT_EXACT", "readMask": "id"});
            let page = fixture.call("Row", List, request).await.unwrap();
            let rows = page["rows"].as_array().unwrap();
            let ids: HashSet<&str> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
            assert_eq!((rows.len(), ids.len()), (300, 300));
            assert_eq!(page["totalSize"], json!("300"));
        }
    };
    // Rows permanently move from one end to the other.
    let moving = async {
        let another = fixture.another_database().await;
        let sql = Sql::new("UPDATE test_v1.row SET weight = 1 - weight WHERE weight IN (0, 1) RETURNING 1");
        fixture.query("UPDATE test_v1.row SET weight = bucket % 2 RETURNING 1").await;
        loop {
            let mut lease = another.lease().await.unwrap();
            lease.run(async |conn| rows(conn, &sql, &[]).await).await.unwrap();
        }
    };
    tokio::select! {
        () = reading => {}
        () = moving => {}
    }
}
