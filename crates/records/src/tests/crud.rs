use super::fixture::Fixture;
use groundplan_model::catalog::MethodKind::{Create, Delete, Get, Update};
use serde_json::json;
use tonic::Code;
use tonic_types::StatusExt;

#[tokio::test]
async fn a_record_is_created_read_changed_and_deleted() {
    let fixture = Fixture::new().await;
    let created =
        fixture.call_with_metadata("Item", Create, json!({"item": {"title": "first", "rank": 3}})).await.unwrap();
    let etag = created.metadata().get("etag").unwrap().to_str().unwrap().to_owned();
    assert_eq!(created.metadata().get("groundplan-revision").unwrap(), "1");
    let created = created.into_inner();
    assert_eq!(created["etag"], etag.as_str());
    assert_eq!(created["createdAt"], created["updatedAt"]);
    let id = created["id"].as_str().unwrap();
    assert_eq!(uuid::Uuid::parse_str(id).unwrap().get_version_num(), 7);

    assert_eq!(fixture.call("Item", Get, json!({"id": id})).await.unwrap(), created);
    assert_eq!(fixture.call("Item", Get, json!({"id": id.to_uppercase()})).await.unwrap(), created);

    let update = json!({"item": {"id": id, "title": "second"}, "updateMask": "title"});
    let updated = fixture.call("Item", Update, update).await.unwrap();
    assert_eq!((&updated["title"], &updated["rank"]), (&json!("second"), &json!(3)));
    assert_eq!(updated["createdAt"], created["createdAt"]);
    assert_ne!(updated["updatedAt"], created["updatedAt"]);
    assert_ne!(updated["etag"], created["etag"]);
    assert_eq!(fixture.call("Item", Get, json!({"id": id})).await.unwrap(), updated);

    fixture.call("Item", Delete, json!({"id": id})).await.unwrap();
    for (kind, request) in
        [(Get, json!({"id": id})), (Delete, json!({"id": id})), (Update, json!({"item": {"id": id, "title": "x"}}))]
    {
        let status = fixture.call("Item", kind, request).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound, "{kind:?}");
        assert_eq!(status.get_error_details().resource_info().unwrap().resource_name, id);
    }
}

#[tokio::test]
async fn rules_are_checked_and_nothing_is_stored() {
    let fixture = Fixture::new().await;
    let status = fixture.call("Item", Create, json!({"item": {"rank": -1}})).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::InvalidArgument, "Title is required"));
    let details = status.get_error_details();
    let fields: Vec<_> = details.bad_request().unwrap().field_violations.iter().map(|v| v.field.clone()).collect();
    assert_eq!(fields, ["title", "rank"]);
    let status = fixture.call("Item", Create, json!({})).await.unwrap_err();
    assert_eq!(status.message(), "Item is required");
    assert_eq!(fixture.query("SELECT 1 FROM test_v1.item").await.len(), 0);

    let created = fixture.call("Item", Create, json!({"item": {"title": "a"}})).await.unwrap();
    let update = json!({"item": {"id": created["id"], "rank": -5}, "updateMask": "rank"});
    assert_eq!(fixture.call("Item", Update, update).await.unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(fixture.call("Item", Get, json!({"id": created["id"]})).await.unwrap(), created);
}

#[tokio::test]
async fn ids_are_checked_and_never_taken_twice() {
    let fixture = Fixture::new().await;
    for id in [
        "x",
        "0198c0de7a5e7c3b9d410242ac120002",
        "{0198c0de-7a5e-7c3b-9d41-0242ac120002}",
        "00000000-0000-0000-0000-00000000000g",
    ] {
        let status = fixture.call("Item", Get, json!({"id": id})).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{id}");
        assert_eq!(status.get_error_details().bad_request().unwrap().field_violations[0].field, "id");
    }
    let id = "0198C0DE-7A5E-4C3B-9D41-0242AC120002";
    let item = json!({"item": {"id": id, "title": "a"}});
    let created = fixture.call("Item", Create, item.clone()).await.unwrap();
    assert_eq!(created["id"], id.to_lowercase());
    let status = fixture.call("Item", Create, item).await.unwrap_err();
    assert_eq!(status.code(), Code::AlreadyExists);
    let details = status.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "RECORD_EXISTS");
    assert_eq!(details.resource_info().unwrap().resource_name, id.to_lowercase());
}

#[tokio::test]
async fn callers_assign_the_ids_of_some_models() {
    let fixture = Fixture::new().await;
    let label = fixture.call("Label", Create, json!({"label": {"id": "a.b_c~D-9", "text": "x"}})).await.unwrap();
    assert_eq!(fixture.call("Label", Get, json!({"id": "a.b_c~D-9"})).await.unwrap(), label);
    for id in ["", "-a", "a/b", "a'b", "ä", &"x".repeat(129)] {
        let status = fixture.call("Label", Create, json!({"label": {"id": id}})).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{id}");
    }
    let status = fixture.call("Label", Create, json!({"label": {}})).await.unwrap_err();
    assert_eq!(status.message(), "Id is required");
}

#[tokio::test]
async fn an_etag_guards_a_write() {
    let fixture = Fixture::new().await;
    let first = fixture.call("Item", Create, json!({"item": {"title": "a"}})).await.unwrap();
    let id = first["id"].clone();
    let second =
        fixture.call("Item", Update, json!({"item": {"id": id, "title": "b"}, "etag": first["etag"]})).await.unwrap();
    let by_field = json!({"item": {"id": id, "title": "c", "etag": first["etag"]}});
    let by_argument =
        json!({"item": {"id": id, "title": "c"}, "etag": format!("\"{}\"", first["etag"].as_str().unwrap())});
    let deletion = json!({"id": id, "etag": first["etag"]});
    for (kind, request) in [(Update, by_field), (Update, by_argument), (Delete, deletion)] {
        let status = fixture.call("Item", kind, request).await.unwrap_err();
        assert_eq!(status.code(), Code::Aborted);
        let info = status.get_error_details().error_info().unwrap().clone();
        assert_eq!(
            (info.reason.as_str(), info.metadata["currentEtag"].as_str()),
            ("ETAG_MISMATCH", second["etag"].as_str().unwrap())
        );
    }
    for etag in ["W/\"1\"", "zz", "0f"] {
        let status = fixture.call("Item", Delete, json!({"id": id, "etag": etag})).await.unwrap_err();
        assert_eq!(status.get_error_details().error_info().unwrap().reason, "ETAG_INVALID");
    }
    let by_field = json!({"item": {"id": id, "title": "c", "etag": second["etag"]}});
    let third = fixture.call("Item", Update, by_field).await.unwrap();
    fixture.call("Item", Delete, json!({"id": id, "etag": third["etag"]})).await.unwrap();
}

#[tokio::test]
async fn a_unique_index_names_its_fields() {
    let fixture = Fixture::new().await;
    let create = |code: &str| fixture.call("Item", Create, json!({"item": {"title": "a", "code": code}}));
    create("x").await.unwrap();
    let other = create("y").await.unwrap();
    let twice = create("x").await.unwrap_err();
    let moved = json!({"item": {"id": other["id"], "code": "x"}, "updateMask": "code"});
    let moved = fixture.call("Item", Update, moved).await.unwrap_err();
    for status in [twice, moved] {
        assert_eq!(status.code(), Code::AlreadyExists);
        assert!(status.message().contains("code"), "{}", status.message());
        let info = status.get_error_details().error_info().unwrap().clone();
        assert_eq!((info.reason.as_str(), info.metadata["fields"].as_str()), ("NOT_UNIQUE", "code"));
    }
    // Absent is not a value.
    for _ in 0..2 {
        fixture.call("Item", Create, json!({"item": {"title": "a"}})).await.unwrap();
    }
}

#[tokio::test]
async fn behaviors_are_kept() {
    let fixture = Fixture::new().await;
    let item = json!({
        "title": "a", "kind": "fixed", "computed": "mine", "password": "secret", "createdAt": "2001-01-01T00:00:00Z",
        "part": {"name": "p", "serial": "s", "checkedBy": "me"},
    });
    let created = fixture.call("Item", Create, json!({"item": item})).await.unwrap();
    assert!(created.get("computed").is_none() && created.get("password").is_none());
    assert_eq!(created["part"], json!({"name": "p", "serial": "s"}));
    assert!(!created["createdAt"].as_str().unwrap().starts_with("2001"));
    assert_eq!(fixture.query("SELECT 1 FROM test_v1.item WHERE password = 'secret' AND computed = ''").await.len(), 1);

    let id = &created["id"];
    for (field, value) in [("kind", json!("other")), ("part", json!({"name": "p", "serial": "t"}))] {
        let status = fixture.call("Item", Update, json!({"item": {"id": id, field: value}})).await.unwrap_err();
        let info = status.get_error_details().error_info().unwrap().clone();
        assert_eq!(info.reason, "FIELD_IMMUTABLE");
        assert!(info.metadata["field"].starts_with(field));
        let bad = status.get_error_details().bad_request().unwrap().clone();
        assert!(bad.field_violations[0].field.starts_with(field), "{bad:?}");
    }
    let same =
        json!({"item": {"id": id, "kind": "fixed", "computed": "x"}, "updateMask": "kind,computed,createdAt,id"});
    let updated = fixture.call("Item", Update, same).await.unwrap();
    assert_eq!(updated["createdAt"], created["createdAt"]);
    assert!(updated.get("computed").is_none());
    assert_eq!(fixture.query("SELECT 1 FROM test_v1.item WHERE password = 'secret'").await.len(), 1);
}

#[tokio::test]
async fn a_mask_says_what_changes() {
    let fixture = Fixture::new().await;
    let item = json!({"item": {"title": "a", "rank": 5, "code": "c", "part": {"name": "p"}}});
    let created = fixture.call("Item", Create, item).await.unwrap();
    let id = &created["id"];
    let update = |item: serde_json::Value, mask: Option<&str>| {
        let mut item = item;
        item["id"] = id.clone();
        let mut request = json!({"item": item});
        if let Some(mask) = mask {
            request["updateMask"] = json!(mask);
        }
        fixture.call("Item", Update, request)
    };
    let populated = update(json!({"rank": 6}), None).await.unwrap();
    assert_eq!((&populated["rank"], &populated["code"]), (&json!(6), &json!("c")));
    let cleared = update(json!({}), Some("rank,code")).await.unwrap();
    assert!(cleared.get("rank").is_none() && cleared.get("code").is_none());
    assert_eq!(cleared["part"], json!({"name": "p"}));
    let replaced = update(json!({"title": "z"}), Some("*")).await.unwrap();
    assert_eq!(replaced["title"], "z");
    assert!(replaced.get("part").is_none());
    let unchanged = update(json!({}), None).await.unwrap();
    assert_eq!(unchanged["etag"], replaced["etag"], "an update that changes nothing makes no version");
}

#[tokio::test]
async fn a_value_that_no_index_can_hold_is_refused_before() {
    let fixture = Fixture::new().await;
    // Letters that repeat compress well, so PostgreSQL itself would take them.
    for title in ["x".repeat(3_000), (0..3_000_u32).map(|at| char::from_u32(33 + at * 7919 % 90).unwrap()).collect()] {
        let status = fixture.call("Item", Create, json!({"item": {"title": title}})).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(status.message().starts_with("Title has 3000 bytes"), "{}", status.message());
    }
    let longest: String = (0..2_400_u32).map(|at| char::from_u32(33 + at * 7919 % 90).unwrap()).collect();
    fixture.call("Item", Create, json!({"item": {"title": longest}})).await.unwrap();
}

#[tokio::test]
async fn a_value_too_long_for_an_index_of_somebody_else_is_refused() {
    let fixture = Fixture::new().await;
    fixture.query("CREATE INDEX by_text ON test_v1.label (text)").await;
    let mut seed = 1_u64;
    let mut letters = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'!' + u8::try_from((seed >> 33) % 90).unwrap())
    };
    for length in [3_500, 30_000] {
        let text: String = (0..length).map(|_| letters()).collect();
        let status = fixture.call("Label", Create, json!({"label": {"id": "a", "text": text}})).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{length}: {status:?}");
        assert!(status.message().contains("index"), "{}", status.message());
    }
    assert!(fixture.query("SELECT 1 FROM test_v1.label").await.is_empty());
}

#[tokio::test]
async fn a_replacement_may_leave_out_what_cannot_change() {
    let fixture = Fixture::new().await;
    let item = json!({"title": "a", "kind": "fixed", "rank": 3, "part": {"name": "p", "serial": "s"}});
    let created = fixture.call("Item", Create, json!({"item": item})).await.unwrap();
    let id = &created["id"];
    let replace = |item: serde_json::Value| fixture.call("Item", Update, json!({"item": item, "updateMask": "*"}));
    let replaced = replace(json!({"id": id, "title": "b", "part": {"name": "q"}})).await.unwrap();
    assert_eq!((&replaced["title"], &replaced["kind"]), (&json!("b"), &json!("fixed")));
    assert_eq!(replaced["part"], json!({"name": "q", "serial": "s"}));
    assert!(replaced.get("rank").is_none());
    assert_eq!(replaced["createdAt"], created["createdAt"]);
    for different in [
        json!({"id": id, "title": "b", "kind": "other"}),
        json!({"id": id, "title": "b", "part": {"name": "q", "serial": "t"}}),
    ] {
        let status = replace(different).await.unwrap_err();
        assert_eq!(status.get_error_details().error_info().unwrap().reason, "FIELD_IMMUTABLE");
    }
    // A mask that names it means it.
    let cleared = json!({"item": {"id": id}, "updateMask": "kind"});
    let status = fixture.call("Item", Update, cleared).await.unwrap_err();
    assert_eq!(status.get_error_details().error_info().unwrap().reason, "FIELD_IMMUTABLE");
}

#[tokio::test]
async fn the_time_of_update_does_not_go_back() {
    let fixture = Fixture::new().await;
    let created = fixture.call("Item", Create, json!({"item": {"title": "a"}})).await.unwrap();
    fixture.query("UPDATE test_v1.item SET updated_at = '2999-01-01T00:00:00Z' RETURNING 1").await;
    let updated = fixture.call("Item", Update, json!({"item": {"id": created["id"], "rank": 1}})).await.unwrap();
    assert!(updated["updatedAt"].as_str().unwrap().starts_with("2999-01-01T00:00:00"), "{updated}");
}
