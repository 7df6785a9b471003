//! Where a watch starts, and which requests are rejected before it does.

use super::super::fixture::Fixture;
use super::told;
use diesel_async::SimpleAsyncConnection as _;
use groundplan_model::catalog::MethodKind::Watch;
use serde_json::json;
use tonic::Code;
use tonic_types::StatusExt as _;

#[tokio::test]
async fn what_is_there_comes_first_then_synced_then_changes() {
    let fixture = Fixture::new().await;
    for at in 0..7 {
        fixture.item(json!({"title": format!("{at}"), "rank": at})).await;
    }
    let request = json!({"start": "START_INITIAL", "filter": "rank >= 3"});
    let mut watch = fixture.stream("Item", Watch, request).await.unwrap();
    for at in 3..7 {
        let event = watch.next().await.unwrap();
        assert_eq!(told(&event), ("CREATED", format!("{at}").as_str()));
        assert!(event.get("token").is_none(), "nothing can be resumed before everything was seen");
        assert!(event.get("transaction").is_none() && event.get("time").is_none());
    }
    let synced = watch.next().await.unwrap();
    assert_eq!(told(&synced).0, "SYNCED");
    let new = fixture.item(json!({"title": "new", "rank": 3})).await;
    let event = watch.change().await;
    assert_eq!(event["item"], new);
    let filtered = json!({"token": synced["token"], "filter": "rank >= 3"});
    let mut again = fixture.stream("Item", Watch, filtered).await.unwrap();
    assert_eq!(again.next().await.unwrap()["kind"], "EVENT_KIND_BOOKMARK");
    assert_eq!(again.change().await["item"], new);
}

#[tokio::test]
async fn of_nothing_there_is_synced_at_once() {
    let fixture = Fixture::new().await;
    let mut watch = fixture.stream("Item", Watch, json!({"start": "START_INITIAL"})).await.unwrap();
    assert_eq!(watch.next().await.unwrap()["kind"], "EVENT_KIND_SYNCED");
    assert_eq!(fixture.item(json!({"title": "one"})).await, watch.change().await["item"]);
}

#[tokio::test]
async fn from_now_on_is_without_what_was_before() {
    let fixture = Fixture::new().await;
    for at in 0..20 {
        fixture.item(json!({"title": format!("before {at}")})).await;
        let mut watch = fixture.watch_now("Item", json!({})).await;
        fixture.item(json!({"title": format!("after {at}")})).await;
        assert_eq!(told(&watch.change().await).1, format!("after {at}"));
    }
}

#[tokio::test]
async fn a_token_goes_on_behind_its_event_after_any_time() {
    let fixture = Fixture::new().await;
    let mut watch = fixture.watch_now("Item", json!({})).await;
    let mut tokens = Vec::new();
    for at in 0..30 {
        fixture.item(json!({"title": format!("{at}")})).await;
        tokens.push(watch.change().await["token"].clone());
    }
    for (at, token) in tokens.iter().enumerate() {
        // What is shown may be other than before.
        let mut again = fixture.stream("Item", Watch, json!({"token": token, "readMask": "title"})).await.unwrap();
        assert_eq!(again.next().await.unwrap()["kind"], "EVENT_KIND_BOOKMARK");
        for later in at + 1..30 {
            assert_eq!(told(&again.change().await), ("CREATED", format!("{later}").as_str()));
        }
    }
}

#[tokio::test]
async fn what_is_wrong_is_refused_before_the_stream_begins() {
    let fixture = super::super::relations::library().await;
    let mut watch = fixture.stream("Author", Watch, json!({})).await.unwrap();
    let token = watch.next().await.unwrap()["token"].clone();
    for (request, code, reason, words) in [
        (json!({"filter": "name ="}), Code::InvalidArgument, "FILTER_INVALID", "filter"),
        (
            json!({"filter": "name == 'x' && publisher.name == 'y'"}),
            Code::InvalidArgument,
            "FILTER_INVALID",
            "WatchMany",
        ),
        (json!({"filter": "updated_at < now"}), Code::InvalidArgument, "FILTER_INVALID", "now"),
        (json!({"readMask": "nonsense"}), Code::InvalidArgument, "INVALID_FIELDS", "read_mask"),
        (json!({"token": "nonsense"}), Code::InvalidArgument, "TOKEN_INVALID", "token"),
        (json!({"token": token, "filter": "name == 'x'"}), Code::InvalidArgument, "TOKEN_INVALID", "same filter"),
        (json!({"token": token, "start": "START_NOW"}), Code::InvalidArgument, "INVALID_FIELDS", "left out"),
    ] {
        let status = fixture.stream("Author", Watch, request.clone()).await.err().unwrap();
        assert_eq!(status.code(), code, "{request} {status:?}");
        assert_eq!(status.get_error_details().error_info().unwrap().reason, reason, "{request}");
        assert!(status.message().to_lowercase().contains(&words.to_lowercase()), "{request} {}", status.message());
    }
    let status = fixture.stream("Book", Watch, json!({"token": token})).await.err().unwrap();
    assert_eq!(status.get_error_details().error_info().unwrap().reason, "TOKEN_INVALID");
}

#[tokio::test]
async fn large_tables_need_an_index_or_leave() {
    let settings = crate::Settings { scan_limit_bytes: 1, ..crate::Settings::default() };
    let fixture = Fixture::with_settings(settings).await;
    fixture.apply(1, super::super::fixture::MODELS).await.unwrap();
    fixture.item(json!({"title": "one", "rank": 7})).await;
    let mut request = json!({"start": "START_INITIAL", "filter": "rank == 7"});
    let status = fixture.stream("Item", Watch, request.clone()).await.err().unwrap();
    assert_eq!(status.code(), Code::FailedPrecondition);
    request["allowScan"] = json!(true);
    let mut watch = fixture.stream("Item", Watch, request).await.unwrap();
    assert_eq!(told(&watch.next().await.unwrap()), ("CREATED", "one"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_that_come_back_together_are_all_served() {
    let fixture = std::sync::Arc::new(Fixture::new().await);
    let mut watch = fixture.watch_now("Item", json!({})).await;
    let one = fixture.item(json!({"title": "one"})).await;
    let token = watch.change().await["token"].clone();
    let begin = |request: serde_json::Value| {
        let fixture = fixture.clone();
        tokio::spawn(async move {
            let mut watch = fixture.stream("Item", Watch, request).await.unwrap();
            watch.next().await.unwrap();
            watch
        })
    };
    let mut herd = Vec::new();
    for at in 0..600 {
        herd.push(begin(match at % 3 {
            0 => json!({"start": "START_NOW"}),
            1 => json!({"token": token}),
            _ => json!({"start": "START_INITIAL"}),
        }));
    }
    let mut watches = Vec::new();
    for one in herd {
        watches.push(one.await.unwrap());
    }
    fixture.change(json!({"id": one["id"], "rank": 7})).await;
    // Read one after the other: those that are not read yet hold up nobody.
    for mut watch in watches {
        while watch.change().await["kind"] != "EVENT_KIND_UPDATED" {}
    }
}

#[tokio::test]
async fn a_writer_that_takes_long_holds_up_the_first_token_but_not_the_signs_of_life() {
    let fixture = Fixture::new().await;
    let mut connection = fixture.another_database().await.dedicated().await.unwrap();
    let sql = "BEGIN; LOCK TABLE groundplan_records.events IN ROW EXCLUSIVE MODE; \
               SELECT nextval('groundplan_records.events_position')";
    connection.batch_execute(sql).await.unwrap();
    let made = fixture.item(json!({"title": "behind the gap"})).await;
    let mut watch = fixture.stream("Item", Watch, json!({})).await.unwrap();
    let first = watch.next().await.unwrap();
    assert_eq!((&first["kind"], first.get("token")), (&json!("EVENT_KIND_BOOKMARK"), None));
    connection.batch_execute("ROLLBACK").await.unwrap();
    let second = watch.next().await.unwrap();
    assert_eq!(second["kind"], "EVENT_KIND_BOOKMARK");
    assert!(second.get("token").is_some());
    fixture.change(json!({"id": made["id"], "rank": 1})).await;
    assert_eq!(told(&watch.change().await), ("UPDATED", "behind the gap"), "what was before the call does not come");
}

#[tokio::test]
async fn who_comes_back_often_and_hears_nothing_gets_on_all_the_same() {
    let fixture = Fixture::new().await;
    let made = fixture.item(json!({"title": "one"})).await;
    let mut request = json!({"filter": "title == 'never'", "start": "START_NOW"});
    let mut watch = fixture.stream("Item", Watch, request.clone()).await.unwrap();
    let token = watch.next().await.unwrap()["token"].clone();
    fixture.change(json!({"id": made["id"], "rank": 1})).await;
    let copies = "INSERT INTO groundplan_records.events (position, part, is_last, tenant, topic, key, kind, payload) \
                  SELECT nextval('groundplan_records.events_position'), 0, true, tenant, topic, key, kind, payload \
                  FROM (SELECT * FROM groundplan_records.events ORDER BY position DESC LIMIT 1) AS last, generate_series(1, 40000)";
    fixture.query(copies).await;
    let newest = fixture.records.log().newest().await.unwrap();
    while fixture.records.log().progress().is_none_or(|progress| progress.cursor().position < newest) {
        fixture.records.log().appended();
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    request = json!({"filter": "title == 'never'", "token": token});
    let mut watch = fixture.stream("Item", Watch, request).await.unwrap();
    let first = watch.next().await.unwrap();
    // The watcher gets a bookmark long before a quiet watch would get one.
    let second = tokio::time::timeout(crate::changefeed::QUIET / 2, watch.next()).await;
    let second = second.expect("a place to go on from").unwrap();
    assert_eq!(second["kind"], "EVENT_KIND_BOOKMARK");
    assert_ne!(second["token"], first["token"]);
}
