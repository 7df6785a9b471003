//! How watches end, and that nothing is lost by it.

use super::super::fixture::{Fixture, MODELS};
use super::told;
use crate::Settings;
use groundplan_model::catalog::MethodKind::Watch;
use serde_json::json;
use std::time::Duration;
use tonic::Code;
use tonic_types::StatusExt as _;

#[tokio::test]
async fn who_does_not_read_is_cut_off_and_may_come_back() {
    let settings = Settings { watch_buffer_bytes: 20_000, ..Settings::default() };
    let fixture = Fixture::with_settings(settings).await;
    fixture.apply(1, MODELS).await.unwrap();
    let mut slow = fixture.watch_now("Item", json!({})).await;
    let mut fast = fixture.watch_now("Item", json!({})).await;
    for at in 0..400 {
        fixture.item(json!({"title": format!("{at} {}", "x".repeat(1_000))})).await;
        assert_eq!(told(&fast.change().await).0, "CREATED", "nobody waits for another one");
    }
    let (mut seen, mut token) = (0, json!(""));
    let status = loop {
        match slow.next().await {
            Ok(event) if event["kind"] == "EVENT_KIND_BOOKMARK" => {}
            Ok(event) => {
                assert!(told(&event).1.starts_with(&format!("{seen} ")));
                (seen, token) = (seen + 1, event["token"].clone());
            }
            Err(status) => break status,
        }
    };
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(status.get_error_details().error_info().unwrap().reason, "FOLLOWER_TOO_SLOW");
    assert!((1..400).contains(&seen), "{seen}");
    let mut again = fixture.stream("Item", Watch, json!({"token": token})).await.unwrap();
    for at in seen..400 {
        assert!(told(&again.change().await).1.starts_with(&format!("{at} ")));
    }
}

#[tokio::test]
async fn a_server_that_stops_gives_a_last_token() {
    let fixture = Fixture::new().await;
    let mut watch = fixture.watch_now("Item", json!({})).await;
    let one = fixture.item(json!({"title": "one"})).await;
    assert_eq!(watch.change().await["item"], one);
    fixture.records.stop().cancel();
    let last = watch.next().await.unwrap();
    assert_eq!(last["kind"], "EVENT_KIND_BOOKMARK");
    assert!(!last["token"].as_str().unwrap().is_empty());
    let status = watch.next().await.unwrap_err();
    assert_eq!(
        (status.code(), status.get_error_details().error_info().unwrap().reason.as_str()),
        (Code::Unavailable, "NOT_READY")
    );
    assert!(status.get_error_details().retry_info().is_some());
}

#[tokio::test]
async fn new_fields_are_shown_as_soon_as_they_are_served() {
    let fixture = Fixture::new().await;
    let mut watch = fixture.watch_now("Item", json!({"filter": "rank >= 0"})).await;
    fixture.item(json!({"title": "old"})).await;
    assert_eq!(told(&watch.change().await), ("CREATED", "old"));
    fixture.apply(2, &MODELS.replace("Part part = 9;", "Part part = 9;\n  string color = 12;")).await.unwrap();
    let made = fixture.item(json!({"title": "new", "color": "red"})).await;
    assert_eq!(made["color"], "red");
    let event = watch.change().await;
    // The stream was started with the old definition, so that JSON does not know the field, but the message contains it.
    assert_eq!(told(&event), ("CREATED", "new"));
    let mut fresh = fixture.stream("Item", Watch, json!({"start": "START_INITIAL"})).await.unwrap();
    fresh.next().await.unwrap();
    assert_eq!(fresh.next().await.unwrap()["item"], made);
}

#[tokio::test]
async fn watches_are_bounded_and_their_places_come_back() {
    let fixture = Fixture::with_settings(Settings { max_watches: 2, ..Settings::default() }).await;
    fixture.apply(1, MODELS).await.unwrap();
    let one = fixture.watch_now("Item", json!({})).await;
    let _two = fixture.watch_now("Item", json!({"filter": "rank > 1"})).await;
    let status = fixture.stream("Item", Watch, json!({})).await.err().unwrap();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(status.message().contains("GROUNDPLAN_MAX_WATCHES"));
    drop(one);
    let mut tries = 0;
    while fixture.stream("Item", Watch, json!({})).await.is_err() {
        tries += 1;
        assert!(tries < 1_500, "the place of a follower that went away does not come back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
