use super::fixture::{Fixture, thing};
use groundplan_model::catalog::MethodKind::{Create, Get, Update};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tonic::Code;
use tonic_types::StatusExt;

#[tokio::test(flavor = "multi_thread")]
async fn updates_without_an_etag_do_not_lose_each_other() {
    let fixture = Arc::new(Fixture::new().await);
    let item = fixture.call("Item", Create, json!({"item": {"title": "a"}})).await.unwrap();
    let id = item["id"].clone();
    // Three callers, each with a field of its own: nobody is overtaken more often than is tried.
    let mut callers = Vec::new();
    for field in ["rank", "code", "password"] {
        let (fixture, id) = (fixture.clone(), id.clone());
        callers.push(tokio::spawn(async move {
            for at in 1..=20 {
                let value = if field == "rank" { json!(at) } else { json!(at.to_string()) };
                let request = json!({"item": {"id": id, field: value}, "updateMask": field});
                while let Err(status) = fixture.call("Item", Update, request.clone()).await {
                    assert_eq!(status.code(), Code::Aborted, "{status:?}");
                }
            }
        }));
    }
    for caller in callers {
        caller.await.unwrap();
    }
    let rows = fixture.query("SELECT 1 FROM test_v1.item WHERE rank = 20 AND code = '20' AND password = '20'").await;
    assert_eq!(rows.len(), 1);
}

/// Makes the next `count` updates of an item find nothing, as if another had come first each time.
async fn overtake(fixture: &Fixture, count: usize) {
    fixture.query("CREATE SEQUENCE test_v1.overtaken").await;
    let body = format!("BEGIN IF nextval('test_v1.overtaken') <= {count} THEN RETURN NULL; END IF; RETURN NEW; END");
    fixture.query(&format!("CREATE FUNCTION test_v1.overtake() RETURNS trigger LANGUAGE plpgsql AS $${body}$$")).await;
    let trigger = "CREATE TRIGGER overtake BEFORE UPDATE ON test_v1.item \
                   FOR EACH ROW EXECUTE FUNCTION test_v1.overtake()";
    fixture.query(trigger).await;
}

#[tokio::test]
async fn an_update_that_is_overtaken_nine_times_succeeds_the_tenth() {
    let fixture = Fixture::new().await;
    let item = fixture.call("Item", Create, json!({"item": {"title": "a"}})).await.unwrap();
    overtake(&fixture, 9).await;
    let request = json!({"item": {"id": item["id"], "rank": 7}});
    let updated = fixture.call("Item", Update, request).await.unwrap();
    assert_eq!((&updated["title"], &updated["rank"]), (&json!("a"), &json!(7)));
}

#[tokio::test]
async fn an_update_that_is_always_overtaken_says_so() {
    let fixture = Fixture::new().await;
    let item = fixture.call("Item", Create, json!({"item": {"title": "a"}})).await.unwrap();
    overtake(&fixture, 10).await;
    let request = json!({"item": {"id": item["id"], "rank": 7}});
    let status = fixture.call("Item", Update, request).await.unwrap_err();
    assert_eq!(status.code(), Code::Aborted);
    assert!(status.message().contains("changed by others"), "{}", status.message());
    assert!(status.get_error_details().retry_info().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_writers_with_one_etag_one_wins() {
    let fixture = Arc::new(Fixture::new().await);
    let item = fixture.call("Item", Create, json!({"item": {"title": "a"}})).await.unwrap();
    let mut callers = Vec::new();
    for at in 0..8 {
        let (fixture, item) = (fixture.clone(), item.clone());
        callers.push(tokio::spawn(async move {
            let request = json!({"item": {"id": item["id"], "rank": at + 1}, "etag": item["etag"]});
            fixture.call("Item", Update, request).await.is_ok()
        }));
    }
    let mut winners = 0;
    for caller in callers {
        winners += usize::from(caller.await.unwrap());
    }
    assert_eq!(winners, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn models_change_while_clients_call() {
    let fixture = Arc::new(Fixture::empty().await);
    fixture.apply(1, &thing("string text = 2;")).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let mut callers = Vec::new();
    for _ in 0..4 {
        let (fixture, stop) = (fixture.clone(), stop.clone());
        callers.push(tokio::spawn(async move {
            let mut calls = 0;
            while !stop.load(Ordering::Relaxed) {
                let created = fixture.call("Thing", Create, json!({"thing": {"text": "x"}})).await.unwrap();
                let read = fixture.call("Thing", Get, json!({"id": created["id"]})).await.unwrap();
                assert_eq!(read, created);
                calls += 1;
            }
            calls
        }));
    }
    let mut fields = "string text = 2;".to_owned();
    for revision in 2..8 {
        fields.push_str(&format!("\nrepeated int64 extra{revision} = {};", revision + 1));
        fixture.apply(revision, &thing(&fields)).await.unwrap();
        let request = json!({"thing": {format!("extra{revision}"): ["1"]}});
        let created = fixture.call_with_metadata("Thing", Create, request).await.unwrap();
        assert_eq!(created.metadata().get("groundplan-revision").unwrap(), revision.to_string().as_str());
    }
    stop.store(true, Ordering::Relaxed);
    for caller in callers {
        assert!(caller.await.unwrap() > 0);
    }
}
