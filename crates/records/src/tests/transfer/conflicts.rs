use super::super::fixture::Fixture;
use super::{atomic, counts, errors, import, number, replacing, skipping, stored};
use groundplan_model::catalog::MethodKind::{Create, Get};
use groundplan_proto::records::v1::{Format, ImportHeader, OnConflict};
use serde_json::json;
use std::fmt::Write as _;
use tonic::Code;

/// A model whose records refer to each other.
const NODES: &str = "syntax = \"proto3\";\npackage test.v1;\nimport \"groundplan/model/v1/model.proto\";\n\
    message Node {\n option (groundplan.model.v1.model) = { id_format: ID_FORMAT_CLIENT_ASSIGNED };\n string id = 1;\n\
    string parent = 2 [(groundplan.model.v1.field).references = { model: \"Node\" }];\n}\n";

const LABELS: &[u8] = b"id,text\na,1\nb,2\na,3\nc,4\n";

fn ignoring(model: &str, format: Format) -> ImportHeader {
    ImportHeader { on_conflict: OnConflict::Skip.into(), ..skipping(model, format) }
}

async fn texts(fixture: &Fixture) -> String {
    let rows = fixture.query("SELECT string_agg(id || text, ' ' ORDER BY id) FROM test_v1.label").await;
    groundplan_chassis::database::Columns::text(&rows[0], 0).unwrap().unwrap_or_default()
}

#[tokio::test]
async fn existing_id_fails_is_skipped_or_is_replaced() {
    let fixture = Fixture::new().await;
    fixture.call("Label", Create, json!({"label": {"id": "b", "text": "old"}})).await.unwrap();
    let report = import(&fixture, skipping("Label", Format::Csv), LABELS).await.unwrap();
    assert_eq!(counts(&report), [4, 2, 0, 0, 2]);
    assert_eq!(errors(&report), [(3, "id", "id"), (4, "id", "id")]);
    assert_eq!(texts(&fixture).await, "a1 bold c4");

    let report = import(&fixture, ignoring("Label", Format::Csv), b"id,text\na,9\nd,5\nd,6\n").await.unwrap();
    assert_eq!(counts(&report), [3, 1, 0, 2, 0]);
    assert_eq!(texts(&fixture).await, "a1 bold c4 d5");

    let report = import(&fixture, replacing("Label", Format::Csv), b"id,text\na,7\ne,8\ne,9\na,8\n").await.unwrap();
    assert_eq!(counts(&report), [4, 1, 3, 0, 0]);
    assert_eq!(texts(&fixture).await, "a8 bold c4 d5 e9");
    // b, a, c, d, e were created, and a was changed.
    assert_eq!(stored(&fixture, "label", "Label").await, (5, 6));
    assert_eq!(import(&fixture, atomic("Label", Format::Csv), LABELS).await.unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(stored(&fixture, "label", "Label").await, (5, 6));
}

#[tokio::test]
async fn replaced_record_keeps_input_only_fields() {
    let fixture = Fixture::new().await;
    let item = json!({"item": {"title": "a", "kind": "k", "password": "secret", "code": "1"}});
    let before = fixture.call("Item", Create, item).await.unwrap();
    let id = before["id"].as_str().unwrap();
    let row = format!("{{\"id\":\"{id}\",\"title\":\"b\",\"kind\":\"other\"}}\n");
    let report = import(&fixture, replacing("Item", Format::Ndjson), row.as_bytes()).await.unwrap();
    assert_eq!(counts(&report), [1, 0, 1, 0, 0]);
    let after = fixture.call("Item", Get, json!({"id": id})).await.unwrap();
    assert_eq!((&after["title"], &after["kind"], after.get("code")), (&json!("b"), &json!("other"), None));
    assert_eq!(after["createdAt"], before["createdAt"]);
    let version = |record: &serde_json::Value| i64::from_str_radix(record["etag"].as_str().unwrap(), 16).unwrap();
    assert_eq!(version(&after), version(&before) + 1);
    assert_eq!(number(&fixture, "SELECT count(*) FROM test_v1.item WHERE password = 'secret'").await, 1);
    assert_eq!(number(&fixture, "SELECT kind::bigint FROM events ORDER BY position DESC LIMIT 1").await, 2);
}

#[tokio::test]
async fn last_valid_row_replaces_the_record() {
    let fixture = Fixture::new().await;
    let id = "0198c0de-7a5e-7c3b-9d41-0242ac120002";
    fixture.call("Item", Create, json!({"item": {"title": "x", "code": "taken"}})).await.unwrap();
    let rows = format!(
        "{{\"id\":\"{id}\",\"title\":\"first\",\"code\":\"free\"}}\n{{\"id\":\"{id}\",\"title\":\"second\",\"code\":\"taken\"}}\n"
    );
    let report = import(&fixture, replacing("Item", Format::Ndjson), rows.as_bytes()).await.unwrap();
    assert_eq!((counts(&report), errors(&report)), ([2, 1, 0, 0, 1], vec![(2, "code", "unique")]));
    let item = fixture.call("Item", Get, json!({"id": id})).await.unwrap();
    assert_eq!(item["title"], "first");
}

#[tokio::test]
async fn unique_violations_name_the_line() {
    let fixture = Fixture::new().await;
    fixture.call("Item", Create, json!({"item": {"title": "x", "code": "1"}})).await.unwrap();
    let rows = b"title,code\na,1\nb,2\nc,\nd,\ne,2\nf,3\n";
    let report = import(&fixture, skipping("Item", Format::Csv), rows).await.unwrap();
    assert_eq!(
        (counts(&report), errors(&report)),
        ([6, 4, 0, 0, 2], vec![(2, "code", "unique"), (6, "code", "unique")])
    );
    assert_eq!(stored(&fixture, "item", "Item").await, (5, 5));
}

#[tokio::test]
async fn rows_can_refer_to_each_other_in_any_order() {
    let fixture = Fixture::empty().await;
    fixture.apply(1, NODES).await.unwrap();
    // A reference to a missing row and to another tenant, two rows that refer to later rows, and a chain from an invalid row.
    let node = |id: &str, parent: &str| format!("{{\"id\":\"{id}\",\"parent\":\"{parent}\"}}\n");
    let mut rows = [node("root", ""), node("leaf", "branch"), node("branch", "root"), node("lost", "nobody")].concat();
    for at in 0..20 {
        rows.push_str(&node(&format!("chain{at}"), &format!("chain{}", at + 1)));
    }
    let _ = writeln!(rows, "{{\"id\":\"chain20\",\"parent\":\"nobody\"}}");
    let report = import(&fixture, skipping("Node", Format::Ndjson), rows.as_bytes()).await.unwrap();
    assert_eq!(counts(&report), [25, 3, 0, 0, 22]);
    assert_eq!(errors(&report)[0], (4, "parent", "references"));
    assert!(report.errors.iter().all(|error| error.message.contains("which does not exist")), "{:?}", report.errors[0]);
    let report = import(&fixture, atomic("Node", Format::Ndjson), node("self", "self").as_bytes()).await.unwrap();
    assert_eq!(counts(&report), [1, 1, 0, 0, 0]);
}

#[tokio::test]
async fn concurrent_imports_load_each_row_once() {
    let fixture = Fixture::new().await;
    let mut rows = String::from("id,text\n");
    for at in 0..3_000 {
        writeln!(rows, "l{at},x").unwrap();
    }
    let reversed: String = {
        let mut lines: Vec<&str> = rows.lines().skip(1).collect();
        lines.reverse();
        format!("id,text\n{}", lines.join("\n"))
    };
    for header in [ignoring("Label", Format::Csv), replacing("Label", Format::Csv)] {
        fixture.query("DELETE FROM test_v1.label").await;
        let (left, right) = tokio::join!(
            import(&fixture, header.clone(), rows.as_bytes()),
            import(&fixture, header, reversed.as_bytes())
        );
        let (left, right) = (left.unwrap(), right.unwrap());
        assert_eq!(left.created + right.created, 3_000);
        assert_eq!(left.replaced + right.replaced + left.skipped + right.skipped, 3_000);
    }
}

#[tokio::test]
async fn rows_cannot_refer_to_deleted_or_expired_records() {
    let fixture = Fixture::empty().await;
    fixture.apply(1, include_str!("../writes.proto")).await.unwrap();
    for id in ["lives", "deleted"] {
        fixture.call("Order", Create, json!({"order": {"id": id}})).await.unwrap();
    }
    fixture.call("Line", Create, json!({"line": {"id": "of-both", "orderId": "deleted"}})).await.unwrap();
    fixture.query("UPDATE test_v1.\"order\" SET deleted_at = now() WHERE id = 'deleted'").await;
    let rows = b"id,order_id\na,lives\nb,deleted\nc,nobody\nof-both,deleted\n";
    for header in [skipping("Line", Format::Csv), replacing("Line", Format::Csv)] {
        fixture.query("DELETE FROM test_v1.line WHERE id <> 'of-both'").await;
        let is_replacing = header.on_conflict() == OnConflict::Replace;
        let report = import(&fixture, header, rows).await.unwrap();
        let found = errors(&report);
        assert_eq!(found[..2], [(3, "order_id", "references"), (4, "order_id", "references")]);
        assert!(report.errors[0].message.contains("or is deleted"), "{:?}", report.errors[0]);
        // Existing references remain valid.
        assert_eq!((found.len(), report.replaced), if is_replacing { (2, 1) } else { (3, 0) }, "{found:?}");
    }
    let only = b"id,order_id\nd,deleted\n";
    assert!(import(&fixture, atomic("Line", Format::Csv), only).await.is_err());
}
