//! Updates that change nothing write nothing.

use super::commits::{any, mask, of, write};
use super::{commit, count, fixture, refusal};
use groundplan_model::catalog::MethodKind::{BatchUpdate, Create, Update};
use groundplan_proto::records::v1::write::Operation;
use groundplan_proto::records::v1::{self};
use serde_json::json;

#[tokio::test]
async fn an_update_without_changes_makes_no_version_and_no_event() {
    let fixture = fixture().await;
    let shape = json!({
        "id": "s", "real": "NaN", "names": ["b", "a"], "counts": {"y": "2", "x": "1"},
        "free": {"z": [1, 2.5, null], "a": {"c": true, "b": "x"}},
    });
    let created = fixture.call("Shape", Create, json!({"shape": shape})).await.unwrap();
    let same = [
        json!({"shape": shape}),
        json!({"shape": {"id": "s", "real": "NaN"}, "updateMask": "real"}),
        json!({"shape": {"id": "s", "free": {"a": {"b": "x", "c": true}, "z": [1, 2.5, null]}}}),
        json!({"shape": shape, "updateMask": "*"}),
        json!({"shape": shape, "allowMissing": true}),
        json!({"shape": shape, "requestId": "once"}),
        json!({"shape": {"id": "s", "names": ["b", "a"], "etag": created["etag"]}}),
        json!({"shape": {"id": "s", "total": "7"}, "updateMask": "total"}),
    ];
    for request in same {
        let answer = fixture.call("Shape", Update, request.clone()).await.unwrap();
        assert_eq!(answer, created, "{request}");
    }
    let requests = json!({"requests": [{"shape": shape}]});
    assert_eq!(fixture.call("Shape", BatchUpdate, requests).await.unwrap()["shapes"][0], created);
    let append = v1::Update {
        record: any(&fixture, "Shape", json!({"id": "s"})),
        append: mask(&["names"]),
        ..v1::Update::default()
    };
    commit(&fixture, of(vec![write(Operation::Update(append), "")])).await.unwrap();
    assert_eq!(count(&fixture, "groundplan_records.events").await, 1);
    let etag = json!({"shape": {"id": "s", "real": "NaN", "etag": "1"}});
    let status = fixture.call("Shape", Update, etag).await.unwrap_err();
    assert_eq!(refusal(&status).0, "ETAG_MISMATCH", "preconditions hold all the same");
}

#[tokio::test]
async fn whatever_differs_is_a_change() {
    let fixture = fixture().await;
    fixture.call("Shape", Create, json!({"shape": {"id": "s", "names": ["b", "a"]}})).await.unwrap();
    let mut events = 1;
    for change in [
        json!({"id": "s", "real": 1.5}),
        json!({"id": "s", "real": "NaN"}),
        json!({"id": "s", "names": ["a", "b"]}),
        json!({"id": "s", "free": {"a": null}}),
        json!({"id": "s", "free": {}}),
    ] {
        fixture.call("Shape", Update, json!({"shape": change})).await.unwrap();
        events += 1;
        assert_eq!(count(&fixture, "groundplan_records.events").await, events, "{change}");
    }
}
