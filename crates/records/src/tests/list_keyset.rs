//! Orders over several pages: the same rows in the same order as in PostgreSQL, also during concurrent writes.

use super::fixture::Fixture;
use crate::operations::list;
use groundplan_chassis::database::Columns;
use groundplan_codec::Value;
use groundplan_identity::Principal;
use groundplan_model::catalog::MethodKind::{Create, Delete, Update};
use groundplan_operations::ListQuery;
use serde_json::json;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub(super) const MODELS: &str = r#"
    syntax = "proto3";
    package test.v1;
    import "google/protobuf/duration.proto";
    import "google/protobuf/timestamp.proto";
    import "groundplan/model/v1/model.proto";
    enum Color { COLOR_UNSPECIFIED = 0; COLOR_RED = 1; COLOR_BLUE = 2; }
    message Place { string town = 1; int32 number = 2; }
    message Row {
      option (groundplan.model.v1.model) = {
        indexes: { fields: "bucket" fields: "title desc" }
        indexes: { fields: "seen_at" }
        indexes: { fields: "weight desc" }
      };
      string id = 1;
      string title = 2;
      int32 bucket = 3;
      optional int64 rank = 4;
      double weight = 5;
      google.protobuf.Timestamp seen_at = 6;
      Color color = 7;
      bool touched = 8;
      optional string note = 9;
      uint64 big = 10;
      bytes raw = 11;
      google.protobuf.Duration span = 12;
      Place place = 13;
      google.protobuf.Timestamp updated_at = 14;
    }
"#;

/// Returns rows with frequent duplicates and edge values.
pub(super) fn fill(rows: usize) -> String {
    format!(
        r"INSERT INTO test_v1.row
            (_tenant, _version, id, title, bucket, rank, weight, seen_at, color, touched, note, big, raw, span, place)
          SELECT 'default', 1, gen_random_uuid(),
            (ARRAY['', 'a', 'A', 'ä', 'Z', '😀', 'zz', '''', '\'])[1 + n % 9] || (n % 50), n % 7,
            CASE WHEN n % 3 = 0 THEN NULL ELSE (n * 7919) % 1000 - 500 END,
            (ARRAY[0, -0.0, 1.5, 'NaN', 'Infinity', '-Infinity', 1e-300, -2])[1 + n % 8],
            CASE WHEN n % 5 = 0 THEN NULL ELSE timestamptz '2020-01-01' + (n % 400) * interval '1 microsecond' END,
            n % 4, n % 10 = 0, CASE WHEN n % 4 = 0 THEN NULL ELSE 'note ' || n % 11 END,
            (n % 13) * 1000000000000000000::numeric, decode(lpad(to_hex(n % 17), 2, '0'), 'hex'),
            CASE WHEN n % 6 = 0 THEN NULL ELSE (n % 9 - 4) * interval '1 second' END,
            CASE WHEN n % 6 = 0 THEN NULL ELSE jsonb_build_object('town', 'town ' || n % 17, 'number', n % 5) END
          FROM generate_series(1, {rows}) n RETURNING 1"
    )
}

/// The orders of the caller with those of PostgreSQL; ids sort in either direction.
const ORDERS: [(&str, &str); 12] = [
    ("", "id"),
    ("id desc", "id DESC"),
    ("title", r#"title COLLATE "C", id"#),
    ("bucket, title desc", r#"bucket, title COLLATE "C" DESC, id"#),
    ("bucket desc, title", r#"bucket DESC, title COLLATE "C", id DESC"#),
    ("rank desc", "rank DESC, id DESC"),
    ("rank, color desc, weight", "rank, color DESC, weight, id"),
    ("seen_at desc, title", r#"seen_at DESC, title COLLATE "C", id"#),
    ("weight", "weight, id DESC"),
    ("note desc, big", r#"note COLLATE "C" DESC, big, id"#),
    ("touched desc, raw, span desc", "touched DESC, raw, span DESC, id"),
    ("seen_at", "seen_at, id"),
];

async fn ids(fixture: &Fixture, sql: &str) -> Vec<String> {
    fixture.query(sql).await.iter().map(|row| row.text(0).unwrap().unwrap()).collect()
}

async fn expected(fixture: &Fixture, order: &str) -> Vec<String> {
    ids(fixture, &format!("SELECT id::text FROM test_v1.row ORDER BY {order}")).await
}

/// Reads all pages of a list and returns the ids.
async fn walk(fixture: &Fixture, query: &ListQuery) -> Vec<String> {
    let principal = Principal::root();
    let call = fixture.operation(&principal, "Row");
    let id = call.table.model.roles.id;
    let mut query = query.clone();
    let mut seen = Vec::new();
    loop {
        let page = list(&call, &query, None).await.unwrap();
        for stored in &page.records {
            let Some(Value::String(id)) = stored.record.get(id) else { panic!("no id") };
            seen.push(id.clone());
        }
        if page.next_page_token.is_empty() {
            return seen;
        }
        query.page_token = page.next_page_token;
        query.skip = 0;
    }
}

fn query(order: &str, page_size: i32) -> ListQuery {
    ListQuery { order_by: order.into(), page_size, allow_scan: true, ..ListQuery::default() }
}

#[tokio::test]
async fn each_order_matches_postgresql() {
    let fixture = Fixture::empty().await;
    fixture.apply(1, MODELS).await.unwrap();
    fixture.query(&fill(300)).await;
    for (order, sql) in ORDERS {
        let expected = expected(&fixture, sql).await;
        for size in [1, 7, 64, 299, 300, 301, 1_000] {
            assert_eq!(walk(&fixture, &query(order, size)).await, expected, "{order}, pages of {size}");
        }
        let skipping = ListQuery { skip: 13, ..query(order, 50) };
        assert_eq!(walk(&fixture, &skipping).await, expected[13..], "{order}");
    }
}

#[tokio::test]
async fn lists_can_be_ordered_by_nested_fields() {
    let fixture = Fixture::empty().await;
    fixture.apply(1, MODELS).await.unwrap();
    fixture.query(&fill(200)).await;
    for (order, sql) in [
        (
            "place.town, place.number desc",
            r#"coalesce(place->>'town', '') COLLATE "C", coalesce((place->>'number')::int, 0) DESC, id"#,
        ),
        ("place.number desc", "coalesce((place->>'number')::int, 0) DESC, id DESC"),
    ] {
        let expected = expected(&fixture, sql).await;
        for size in [3, 100] {
            assert_eq!(walk(&fixture, &query(order, size)).await, expected, "{order}, pages of {size}");
        }
    }
}

#[tokio::test]
async fn late_pages_use_the_index() {
    let fixture = Fixture::empty().await;
    fixture.apply(1, MODELS).await.unwrap();
    fixture.query(&fill(20_000)).await;
    fixture.query("ANALYZE test_v1.row").await;
    let principal = Principal::root();
    let call = fixture.operation(&principal, "Row");
    for order in ["", "bucket, title desc", "bucket desc, title", "seen_at", "seen_at desc", "weight", "weight desc"] {
        let first = list(&call, &query(order, 1_000), None).await.unwrap();
        let behind = ListQuery { page_token: first.next_page_token, ..query(order, 10) };
        let explanation = crate::operations::explain_list(&call, &behind).await.unwrap();
        assert!(!explanation.plan_json.contains("Seq Scan"), "{order}: {}", explanation.plan_json);
        assert!(!explanation.plan_json.contains(r#""Sort""#), "{order}: {}", explanation.plan_json);
        assert!(explanation.plan_json.contains("Index Cond"), "{order}: {}", explanation.plan_json);
        assert!(explanation.served, "{order}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unchanged_records_appear_once_and_in_order_during_writes() {
    let fixture = Arc::new(Fixture::empty().await);
    fixture.apply(1, MODELS).await.unwrap();
    fixture.query(&fill(5_000)).await;
    fixture.query("ANALYZE test_v1.row").await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut writers = Vec::new();
    let touched = ids(&fixture, "SELECT id::text FROM test_v1.row WHERE touched").await;
    for mine in touched.chunks(touched.len().div_ceil(2)) {
        let (fixture, stop, mine) = (fixture.clone(), stop.clone(), mine.to_vec());
        writers.push(tokio::spawn(async move { write(&fixture, mine, &stop).await }));
    }
    for (order, sql) in ORDERS.into_iter().take(10) {
        let expected =
            ids(&fixture, &format!("SELECT id::text FROM test_v1.row WHERE NOT touched ORDER BY {sql}")).await;
        let wanted: HashSet<&String> = expected.iter().collect();
        let seen = walk(&fixture, &query(order, 500)).await;
        let seen: Vec<String> = seen.into_iter().filter(|id| wanted.contains(id)).collect();
        assert_eq!(seen.len(), expected.len(), "{order}");
        assert_eq!(seen, expected, "{order}");
    }
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        assert!(writer.await.unwrap() > 20, "the writers did nothing");
    }
}

/// Creates, moves and deletes rows, and marks them as touched. Returns their number.
async fn write(fixture: &Fixture, mut mine: Vec<String>, stop: &AtomicBool) -> usize {
    let mut written = 0;
    while !stop.load(Ordering::Relaxed) {
        let title = ["", "b", "zz"][written % 3];
        let mut row = json!({
            "touched": true, "title": title, "bucket": written % 7, "weight": written,
            "rank": ((written * 31) % 900).to_string(),
        });
        match written % 5 {
            0 | 1 => {
                let created = fixture.call("Row", Create, json!({"row": row})).await.unwrap();
                mine.push(created["id"].as_str().unwrap().to_owned());
            }
            4 => {
                let id = mine.swap_remove(written % mine.len());
                fixture.call("Row", Delete, json!({"id": id})).await.unwrap();
            }
            _ => {
                row["id"] = json!(mine[written % mine.len()]);
                fixture.call("Row", Update, json!({"row": row})).await.unwrap();
            }
        }
        written += 1;
    }
    written
}
