use super::fixture::Fixture;
use groundplan_model::catalog::MethodKind::{Create, List};
use serde_json::{Value, json};
use tonic::Code;
use tonic_types::StatusExt;

fn ids(page: &Value, field: &str) -> Vec<String> {
    let records = page.get(field).and_then(Value::as_array).cloned().unwrap_or_default();
    records.iter().map(|record| record["id"].as_str().unwrap().to_owned()).collect()
}

async fn labels(count: usize) -> Fixture {
    let fixture = Fixture::new().await;
    for at in 0..count {
        fixture.call("Label", Create, json!({"label": {"id": format!("l{at:04}")}})).await.unwrap();
    }
    fixture
}

#[tokio::test]
async fn pages_contain_each_record_once_in_order() {
    let fixture = labels(257).await;
    for size in [1, 7, 50, 100, 128, 256, 257, 1_000] {
        let mut seen = Vec::new();
        let mut token = String::new();
        loop {
            let page = fixture.call("Label", List, json!({"pageSize": size, "pageToken": token})).await.unwrap();
            let page_ids = ids(&page, "labels");
            assert!(page_ids.len() <= size);
            seen.extend(page_ids);
            token = page.get("nextPageToken").and_then(Value::as_str).unwrap_or_default().to_owned();
            if token.is_empty() {
                break;
            }
        }
        let expected: Vec<String> = (0..257).map(|at| format!("l{at:04}")).collect();
        assert_eq!(seen, expected, "pages of {size}");
    }
    let page = fixture.call("Label", List, json!({})).await.unwrap();
    assert_eq!(ids(&page, "labels").len(), 50);
    let status = fixture.call("Label", List, json!({"pageSize": -1})).await.unwrap_err();
    assert_eq!(status.get_error_details().bad_request().unwrap().field_violations[0].field, "page_size");
}

#[tokio::test]
async fn token_is_valid_only_for_its_list() {
    let fixture = labels(3).await;
    for at in 0..3 {
        fixture.call("Item", Create, json!({"item": {"title": format!("t{at}")}})).await.unwrap();
    }
    let page = fixture.call("Label", List, json!({"pageSize": 1})).await.unwrap();
    let token = page["nextPageToken"].as_str().unwrap().to_owned();
    let mut changed = token.clone();
    let last = if changed.pop() == Some('A') { 'Q' } else { 'A' };
    changed.push(last);
    let long = "A".repeat(100_000);
    for (model, token) in [("Item", &token), ("Label", &changed), ("Label", &"x".to_owned()), ("Label", &long)] {
        let status = fixture.call(model, List, json!({"pageToken": token})).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(status.get_error_details().error_info().unwrap().reason, "PAGE_TOKEN_INVALID");
    }
}

#[tokio::test]
async fn large_records_shorten_a_page() {
    let fixture = Fixture::new().await;
    for at in 0..5 {
        let label = json!({"label": {"id": format!("l{at}"), "text": "x".repeat(1 << 20)}});
        fixture.call("Label", Create, label).await.unwrap();
    }
    let page = fixture.call("Label", List, json!({})).await.unwrap();
    assert_eq!(ids(&page, "labels"), ["l0", "l1", "l2"]);
    let page = fixture.call("Label", List, json!({"pageToken": page["nextPageToken"]})).await.unwrap();
    assert_eq!(ids(&page, "labels"), ["l3", "l4"]);
    assert!(page.get("nextPageToken").is_none());
}

#[tokio::test]
async fn page_fits_the_message_limit_of_clients() {
    let fixture = Fixture::new().await;
    for (at, length) in [(0, 10), (1, 2 << 20), (2, (2 << 20) - 200), (3, 10), (4, (4 << 20) - 200), (5, 10)] {
        let label = json!({"label": {"id": format!("l{at}"), "text": "x".repeat(length)}});
        fixture.call("Label", Create, label).await.unwrap();
    }
    let mut pages = Vec::new();
    let mut token = json!("");
    loop {
        // The client of the fixture has the limit of any other: 4 MiB.
        let page = fixture.call("Label", List, json!({"pageToken": token})).await.unwrap();
        pages.push(ids(&page, "labels"));
        token = page["nextPageToken"].clone();
        if token.is_null() {
            break;
        }
    }
    assert_eq!(pages, [vec!["l0", "l1"], vec!["l2", "l3"], vec!["l4"], vec!["l5"]]);
}

#[tokio::test]
async fn list_continues_after_ids_written_by_sql() {
    let fixture = labels(2).await;
    let odd = ["", " a/b", "l0000 é", &"y".repeat(300)];
    for id in odd {
        let sql =
            format!("INSERT INTO test_v1.label (_tenant, _version, id) VALUES ('default', 1, '{id}') RETURNING 1");
        assert_eq!(fixture.query(&sql).await.len(), 1);
    }
    for size in [1, 2, 100] {
        let mut seen = 0;
        let mut token = json!("");
        while !token.is_null() {
            let page = fixture.call("Label", List, json!({"pageSize": size, "pageToken": token})).await.unwrap();
            seen += page["labels"].as_array().unwrap().len();
            token = page["nextPageToken"].clone();
        }
        assert_eq!(seen, 2 + odd.len(), "pages of {size}");
    }
}

#[tokio::test]
async fn server_assigned_ids_sort_by_creation() {
    let fixture = Fixture::new().await;
    let mut created = Vec::new();
    for at in 0..120 {
        let item = fixture.call("Item", Create, json!({"item": {"title": format!("t{at}")}})).await.unwrap();
        created.push(item["id"].as_str().unwrap().to_owned());
    }
    let page = fixture.call("Item", List, json!({"pageSize": 1000})).await.unwrap();
    assert_eq!(ids(&page, "items"), created);
}
