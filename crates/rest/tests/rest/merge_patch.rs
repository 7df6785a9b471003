//! JSON merge patches (RFC 7396), and the media types of PATCH.

use crate::memory::Memory;
use crate::support::{Client, catalog};
use serde_json::{Value, json};

const MERGE: &str = "content-type: application/merge-patch+json";
const MODELS: &str = r#"
syntax = "proto3";
package merge.v1;
import "google/protobuf/struct.proto";
import "groundplan/model/v1/model.proto";
message Thing {
  option (groundplan.model.v1.model) = { resource: "things" id_format: ID_FORMAT_CLIENT_ASSIGNED };
  string id = 1;
  Part part = 2;
  map<string, string> labels = 3;
  map<int32, Part> parts = 4;
  google.protobuf.Struct extra = 5;
  google.protobuf.Value any = 6;
  repeated string tags = 7;
  optional int32 size = 8;
  oneof choice {
    string text = 9;
    Part other = 10;
  }
}
message Part {
  string note = 1;
  int32 count = 2;
  Part inner = 3;
}
"#;

async fn client_with(record: &Value) -> Client {
    let client = Client(groundplan_rest::router(Memory::new(catalog(&[("merge/v1/thing.proto", MODELS)])), 1 << 20));
    let created = client.send("POST /api/v1/things", &[], record.to_string()).await;
    assert_eq!(created.status, 201, "{:?}", created.bytes);
    client
}

/// A record after a patch, without zeros.
#[cfg(test)]
async fn patched(before: Value, patch: Value) -> Value {
    let mut record = before;
    record["id"] = "a".into();
    let client = client_with(&record).await;
    let answer = client.send("PATCH /api/v1/things/a", &[MERGE], patch.to_string()).await;
    assert_eq!(answer.status, 200, "{patch}: {:?}", answer.bytes);
    let mut after = answer.json()["data"].take();
    after
        .as_object_mut()
        .unwrap()
        .retain(|key, value| key != "id" && *value != json!([]) && *value != json!({}) || key == "extra");
    after
}

#[tokio::test]
async fn a_merge_patch_merges_messages_maps_and_free_form_json() {
    let part = |note: &str, count: i32| json!({ "note": note, "count": count });
    for (before, patch, after) in [
        // Regression: siblings are kept.
        (json!({ "part": part("n", 1) }), json!({ "part": { "count": 2 } }), json!({ "part": part("n", 2) })),
        (json!({ "part": part("n", 1) }), json!({ "part": { "note": null } }), json!({ "part": part("", 1) })),
        (json!({ "part": part("n", 1) }), json!({ "part": null }), json!({})),
        (json!({}), json!({ "part": { "note": null } }), json!({ "part": part("", 0) })),
        (
            json!({ "part": { "note": "n", "inner": part("i", 3) } }),
            json!({ "part": { "inner": { "count": 4 } } }),
            json!({ "part": { "note": "n", "count": 0, "inner": part("i", 4) } }),
        ),
        (
            json!({ "labels": { "a": "1", "b": "2" } }),
            json!({ "labels": { "a": null, "c": "3" } }),
            json!({ "labels": { "b": "2", "c": "3" } }),
        ),
        (json!({ "labels": { "a": "1" } }), json!({ "labels": { "none": null } }), json!({ "labels": { "a": "1" } })),
        (json!({ "labels": { "a": "1" } }), json!({ "labels": null }), json!({})),
        (
            json!({ "parts": { "1": part("x", 1), "2": part("y", 2) } }),
            json!({ "parts": { "1": { "count": 9 }, "2": null, "3": { "note": "z" } } }),
            json!({ "parts": { "1": part("x", 9), "3": part("z", 0) } }),
        ),
        (json!({ "tags": ["a", "b"], "size": 1 }), json!({ "tags": ["c"], "size": null }), json!({ "tags": ["c"] })),
        (json!({ "text": "t" }), json!({ "other": { "count": 1 } }), json!({ "other": part("", 1) })),
        (json!({ "text": "t" }), json!({ "other": null }), json!({ "text": "t" })),
        (
            json!({ "any": { "a": { "b": 1, "c": 2 } } }),
            json!({ "any": { "a": { "b": null } } }),
            json!({ "any": { "a": { "c": 2 } } }),
        ),
        (json!({ "any": { "a": 1 } }), json!({ "any": [null] }), json!({ "any": [null] })),
        (json!({ "any": { "a": 1 } }), json!({ "any": null }), json!({})),
        (json!({ "size": 3 }), json!({}), json!({ "size": 3 })),
    ] {
        let mut after = after;
        if before.get("extra").is_none() {
            after.as_object_mut().unwrap().remove("extra");
        }
        assert_eq!(patched(before.clone(), patch.clone()).await, after, "{before} {patch}");
    }
}

/// The cases of RFC 7396's appendix A that have an object before and after.
#[tokio::test]
async fn free_form_json_merges_as_in_the_rfc() {
    for (before, patch, after) in [
        (json!({ "a": "b" }), json!({ "a": "c" }), json!({ "a": "c" })),
        (json!({ "a": "b" }), json!({ "b": "c" }), json!({ "a": "b", "b": "c" })),
        (json!({ "a": "b" }), json!({ "a": null }), json!({})),
        (json!({ "a": "b", "b": "c" }), json!({ "a": null }), json!({ "b": "c" })),
        (json!({ "a": ["b"] }), json!({ "a": "c" }), json!({ "a": "c" })),
        (json!({ "a": "c" }), json!({ "a": ["b"] }), json!({ "a": ["b"] })),
        (json!({ "a": { "b": "c" } }), json!({ "a": { "b": "d", "c": null } }), json!({ "a": { "b": "d" } })),
        (json!({ "a": [{ "b": "c" }] }), json!({ "a": [1] }), json!({ "a": [1] })),
        (json!({ "e": null }), json!({ "a": 1 }), json!({ "e": null, "a": 1 })),
        (json!({}), json!({ "a": { "bb": { "ccc": null } } }), json!({ "a": { "bb": {} } })),
    ] {
        let found = patched(json!({ "extra": before }), json!({ "extra": patch })).await;
        assert_eq!(found["extra"], after, "{before} {patch}");
    }
}

#[tokio::test]
async fn a_merge_patch_creates_a_missing_record() {
    let client = client_with(&json!({ "id": "a" })).await;
    let body = r#"{"part":{"note":"n","count":null},"labels":{"a":null,"b":"2"}}"#;
    let created = client.send("PATCH /api/v1/things/new?allowMissing=true", &[MERGE], body).await;
    assert_eq!(created.status, 201);
    let data = &created.json()["data"];
    assert_eq!((&data["part"]["note"], &data["labels"]), (&json!("n"), &json!({ "b": "2" })));
}

#[tokio::test]
async fn invalid_merge_patches_are_rejected_with_the_field_path() {
    let client = client_with(&json!({ "id": "a" })).await;
    for (body, place) in [
        (r#"{"part":{"count":"x"}}"#, "part.count"),
        (r#"{"parts":{"1":{"nope":1}}}"#, "parts[\"1\"].nope"),
        (r#"{"labels":{"a":1}}"#, "labels[\"a\"]"),
        (r#"{"part":{"count":1,"count":2}}"#, "part.count"),
        (r#"{"text":"a","other":{}}"#, "other"),
    ] {
        let answer = client.send("PATCH /api/v1/things/a", &[MERGE], body).await;
        assert_eq!(answer.status, 400, "{body}");
        let violation = answer.json()["error"]["details"][1]["fieldViolations"][0]["field"].clone();
        assert_eq!(violation, place, "{body}");
    }
}

#[tokio::test]
async fn only_patch_accepts_merge_patches_and_lists_its_media_types() {
    let client = client_with(&json!({ "id": "a" })).await;
    for method in ["POST /api/v1/things", "PUT /api/v1/things/a"] {
        let answer = client.send(method, &[MERGE], "{}").await;
        assert_eq!((answer.status.as_u16(), answer.header("accept-patch")), (415, ""), "{method}");
    }
    for content_type in ["application/json-patch+json", "text/plain"] {
        let header = format!("content-type: {content_type}");
        let answer = client.send("PATCH /api/v1/things/a", &[&header], "[]").await;
        assert_eq!(answer.status, 415);
        assert_eq!(answer.header("accept-patch"), "application/merge-patch+json, application/json");
    }
    let options = client.send("OPTIONS /api/v1/things/a", &[], "").await;
    assert_eq!(options.header("accept-patch"), "application/merge-patch+json, application/json");
}

#[tokio::test]
async fn a_plain_json_patch_replaces_whole_messages() {
    let client = client_with(&json!({ "id": "a", "part": { "note": "n", "count": 1 } })).await;
    let answer = client.send("PATCH /api/v1/things/a", &[], r#"{"part":{"count":2}}"#).await;
    assert_eq!(answer.json()["data"]["part"], json!({ "note": "", "count": 2 }));
}
