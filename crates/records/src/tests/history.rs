//! What records were.

use super::fixture::{Fixture, thing};
use groundplan_model::catalog::MethodKind::{BatchGet, Create, Delete, Get, ListRevisions, Update};
use serde_json::{Value, json};
use std::time::Duration;
use tonic::Code;
use tonic_types::StatusExt as _;

/// Returns a file with a model with these options and fields.
fn things(options: &str, more: &str) -> String {
    let fields = format!(
        "string name = 2; int32 number = 3; string secret = 4 [(google.api.field_behavior) = INPUT_ONLY];\n\
         google.protobuf.Timestamp updated_at = 5; string etag = 6; {more}"
    );
    let imports = "import \"google/api/field_behavior.proto\";\nimport \"google/protobuf/timestamp.proto\";\n";
    let file = thing(&fields).replace("model) = {}", &format!("model) = {{ {options} }}"));
    file.replace("import \"groundplan", &format!("{imports}import \"groundplan"))
}

const HISTORY: &str = "history: {}";

async fn keeper() -> Fixture {
    let fixture = Fixture::empty().await;
    fixture.apply(1, &things(HISTORY, "")).await.unwrap();
    fixture
}

async fn make(fixture: &Fixture, name: &str) -> Value {
    fixture.call("Thing", Create, json!({"thing": {"name": name, "secret": "s"}})).await.unwrap()
}

async fn number(fixture: &Fixture, id: &Value, number: i32) -> Value {
    let update = json!({"thing": {"id": id, "number": number}, "updateMask": "number"});
    fixture.call("Thing", Update, update).await.unwrap()
}

async fn revisions(fixture: &Fixture, request: Value) -> Vec<Value> {
    let page = fixture.call("Thing", ListRevisions, request).await.unwrap();
    page["revisions"].as_array().cloned().unwrap_or_default()
}

#[tokio::test]
async fn each_state_is_listed_newest_first() {
    let fixture = keeper().await;
    let made = make(&fixture, "one").await;
    let id = &made["id"];
    let second = number(&fixture, id, 2).await;
    let third = number(&fixture, id, 3).await;
    fixture.call("Thing", Delete, json!({"id": id})).await.unwrap();
    // Immediately, and after the copy.
    for _ in 0..2 {
        let found = revisions(&fixture, json!({"id": id})).await;
        let kinds: Vec<&str> = found.iter().map(|one| one["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["CHANGE_KIND_DELETED", "CHANGE_KIND_UPDATED", "CHANGE_KIND_UPDATED", "CHANGE_KIND_CREATED"]);
        let states: Vec<&Value> = found.iter().map(|one| &one["thing"]).collect();
        assert_eq!(states, [&third, &third, &second, &made]);
        assert_eq!(found[1]["changedFields"], "number,updatedAt");
        assert_eq!(
            (&found[3]["principal"], &found[3]["etag"], &found[3]["time"]),
            (&json!("root"), &made["etag"], &made["updatedAt"])
        );
        let copied = "SELECT 1 FROM groundplan_records.history";
        for _ in 0..1_500 {
            if fixture.query(copied).await.len() == 4 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(fixture.query(copied).await.len(), 4, "the log is copied");
    }
    let found = revisions(&fixture, json!({"id": id, "readMask": "name"})).await;
    assert_eq!(found[0]["thing"], json!({"name": "one"}));
}

#[tokio::test]
async fn pages_continue_after_the_previous_page() {
    let fixture = keeper().await;
    let made = make(&fixture, "one").await;
    make(&fixture, "another").await;
    for at in 1..10 {
        number(&fixture, &made["id"], at).await;
    }
    let mut request = json!({"id": made["id"], "pageSize": 3});
    let mut numbers = Vec::new();
    loop {
        let page = fixture.call("Thing", ListRevisions, request.clone()).await.unwrap();
        let found = page["revisions"].as_array().unwrap();
        assert!(found.len() <= 3);
        numbers.extend(found.iter().map(|one| one["thing"]["number"].as_i64().unwrap_or_default()));
        match page["nextPageToken"].as_str() {
            Some(token) => request["pageToken"] = json!(token),
            None => break,
        }
        number(&fixture, &made["id"], 77).await;
    }
    assert_eq!(numbers, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0], "newer states do not change the pages");
    let other = make(&fixture, "other").await;
    let stolen = json!({"id": other["id"], "pageToken": request["pageToken"]});
    let status = fixture.call("Thing", ListRevisions, stolen).await.unwrap_err();
    assert_eq!(status.get_error_details().error_info().unwrap().reason, "PAGE_TOKEN_INVALID");
}

#[tokio::test]
async fn past_state_of_a_record_is_returned() {
    let fixture = keeper().await;
    let before = moment(&fixture).await;
    let made = make(&fixture, "one").await;
    let id = &made["id"];
    let second = number(&fixture, id, 2).await;
    let third = number(&fixture, id, 3).await;
    let last = moment(&fixture).await;
    fixture.call("Thing", Delete, json!({"id": id})).await.unwrap();
    for _ in 0..2 {
        for (time, expected) in [
            (&made["updatedAt"], &made),
            (&second["updatedAt"], &second),
            (&third["updatedAt"], &third),
            (&last, &third),
        ] {
            let read = fixture.call("Thing", Get, json!({"id": id, "readTime": time})).await.unwrap();
            assert_eq!(&read, expected, "{time}");
        }
        let masked = json!({"id": id, "readTime": made["updatedAt"], "readMask": "name"});
        assert_eq!(fixture.call("Thing", Get, masked).await.unwrap(), json!({"name": "one"}));
        for time in [before.clone(), moment(&fixture).await] {
            let status = fixture.call("Thing", Get, json!({"id": id, "readTime": time})).await.unwrap_err();
            assert_eq!(status.code(), Code::NotFound, "{time}: before its creation or after its deletion");
        }
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    for (time, code) in [("2020-01-01T00:00:00Z", Code::OutOfRange), ("2999-01-01T00:00:00Z", Code::InvalidArgument)] {
        let status = fixture.call("Thing", Get, json!({"id": id, "readTime": time})).await.unwrap_err();
        assert_eq!(status.code(), code, "{time}");
    }
    let batch = json!({"requests": [{"id": id, "readTime": last}]});
    assert_eq!(fixture.call("Thing", BatchGet, batch).await.unwrap_err().code(), Code::InvalidArgument);
}

/// Returns the current time of the server.
async fn moment(fixture: &Fixture) -> Value {
    tokio::time::sleep(Duration::from_millis(2)).await;
    let now = make(fixture, "clock").await["updatedAt"].clone();
    tokio::time::sleep(Duration::from_millis(2)).await;
    now
}

#[tokio::test]
async fn history_starts_with_the_log_and_stops_with_the_option() {
    let fixture = Fixture::empty().await;
    fixture.apply(1, &things("", "")).await.unwrap();
    let made = make(&fixture, "one").await;
    number(&fixture, &made["id"], 2).await;
    fixture.apply(2, &things(HISTORY, "")).await.unwrap();
    number(&fixture, &made["id"], 3).await;
    for _ in 0..1_500 {
        if revisions(&fixture, json!({"id": made["id"]})).await.len() == 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(revisions(&fixture, json!({"id": made["id"]})).await.len(), 3);
    let read = fixture.call("Thing", Get, json!({"id": made["id"], "readTime": made["updatedAt"]})).await.unwrap();
    assert_eq!(read, made);
    fixture.apply(3, &things("", "string more = 7;")).await.unwrap();
    assert!(fixture.query("SELECT 1 FROM groundplan_records.history_models").await.is_empty());
    assert!(
        fixture.query("SELECT 1 FROM groundplan_records.event_consumers").await.is_empty(),
        "no consumer keeps the log"
    );
}

#[tokio::test]
async fn new_history_does_not_duplicate_other_histories() {
    let fixture = keeper().await;
    let made = make(&fixture, "one").await;
    number(&fixture, &made["id"], 2).await;
    for _ in 0..1_500 {
        if fixture.query("SELECT 1 FROM groundplan_records.history").await.len() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Simulates the start of another history before the copier catches up.
    fixture.query("UPDATE groundplan_records.event_consumers SET position = 0").await;
    assert_eq!(revisions(&fixture, json!({"id": made["id"]})).await.len(), 2);
}

#[tokio::test]
async fn missing_history_is_an_error() {
    let fixture = keeper().await;
    let nobody = "01890a5d-ac96-774b-bcce-b302099a8057";
    let status = fixture.call("Thing", ListRevisions, json!({"id": nobody})).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    let status = fixture.call("Thing", ListRevisions, json!({"id": "x"})).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let made = make(&fixture, "one").await;
    let status = fixture.call("Thing", ListRevisions, json!({"id": made["id"], "pageSize": -1})).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
}
