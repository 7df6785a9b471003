use super::{count, fixture, refusal};
use crate::purge;
use crate::purge::retries::Retries;
use crate::purge_lag::PurgeKind;
use groundplan_model::catalog::MethodKind::{BatchCreate, Create, Delete, Get, List, Undelete, Update};
use serde_json::json;
use tonic::Code;
use tonic_types::StatusExt as _;

#[tokio::test]
async fn a_deleted_record_is_hidden_and_comes_back_with_what_went_with_it() {
    let fixture = fixture().await;
    fixture.call("Order", Create, json!({"order": {"id": "o", "number": "1"}})).await.unwrap();
    fixture.call("Line", Create, json!({"line": {"id": "l", "orderId": "o"}})).await.unwrap();
    let deleted = fixture.call("Order", Delete, json!({"id": "o"})).await.unwrap();
    assert!(deleted["deletedAt"].is_string(), "{deleted}");
    assert_eq!(fixture.call("Order", Get, json!({"id": "o"})).await.unwrap(), deleted);
    assert_eq!(fixture.call("Order", List, json!({})).await.unwrap(), json!({}));
    assert_eq!(fixture.call("Line", List, json!({})).await.unwrap(), json!({}));
    let all = fixture.call("Order", List, json!({"showDeleted": true})).await.unwrap();
    assert_eq!(all["orders"][0]["id"], "o");
    let status = fixture.call("Order", Delete, json!({"id": "o"})).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    fixture.call("Order", Delete, json!({"id": "o", "allowMissing": true})).await.unwrap();
    let status = fixture.call("Order", Update, json!({"order": {"id": "o", "number": "2"}})).await.unwrap_err();
    assert_eq!(refusal(&status).0, "RECORD_DELETED");
    // New references to it are rejected; its unique values are free.
    let status = fixture.call("Line", Create, json!({"line": {"id": "m", "orderId": "o"}})).await.unwrap_err();
    assert_eq!(refusal(&status).1, ["order_id"]);
    let status = fixture.call("Line", Undelete, json!({"id": "l"})).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    fixture.call("Order", Create, json!({"order": {"id": "p", "number": "1"}})).await.unwrap();
    let status = fixture.call("Order", Undelete, json!({"id": "o"})).await.unwrap_err();
    assert_eq!(refusal(&status).0, "NOT_UNIQUE");
    fixture.call("Order", Update, json!({"order": {"id": "p", "number": "2"}})).await.unwrap();
    let back = fixture.call("Order", Undelete, json!({"id": "o"})).await.unwrap();
    assert_eq!(back["deletedAt"], json!(null));
    assert_eq!(fixture.call("Line", List, json!({})).await.unwrap()["lines"][0]["id"], "l");
    let status = fixture.call("Order", Undelete, json!({"id": "o"})).await.unwrap_err();
    assert_eq!(refusal(&status).0, "RECORD_NOT_DELETED");
}

#[tokio::test]
async fn a_write_that_meets_a_deleted_record_says_so() {
    let fixture = fixture().await;
    for id in ["o", "p"] {
        fixture.call("Order", Create, json!({"order": {"id": id}})).await.unwrap();
        fixture.call("Order", Delete, json!({"id": id})).await.unwrap();
    }
    let said = async |model: &str, method, request| {
        let status = fixture.call(model, method, request).await.unwrap_err();
        (status.code(), refusal(&status).0, status.message().to_owned())
    };
    let is = |code, reason: &str, message: &str| (code, reason.to_owned(), message.to_owned());
    let exists = "test.v1.Order \"o\" exists already and is deleted; undelete it, or choose another id";
    let order = json!({"id": "o"});
    let exists_alone = is(Code::AlreadyExists, "RECORD_EXISTS", exists);
    assert_eq!(said("Order", Create, json!({"order": order})).await, exists_alone);
    assert_eq!(said("Order", Create, json!({"order": order, "validateOnly": true})).await, exists_alone);
    let several = json!({"requests": [{"order": {"id": "q"}}, {"order": order}]});
    let exists = is(Code::AlreadyExists, "RECORD_EXISTS", &format!("requests[1]: {exists}"));
    assert_eq!(said("Order", BatchCreate, several).await, exists);
    let again =
        is(Code::NotFound, "RECORD_DELETED", "test.v1.Order \"o\" is deleted already; undelete it to have it back");
    assert_eq!(said("Order", Delete, json!({"id": "o"})).await, again);
    assert_eq!(said("Order", Delete, json!({"id": "x"})).await.1, "RECORD_NOT_FOUND");
    let refers = |id: &str, what: &str| {
        is(Code::InvalidArgument, "INVALID_FIELDS", &format!("order_id refers to test.v1.Order {id:?}, which {what}"))
    };
    let deleted = refers("o", "is deleted; undelete it, or refer to another one");
    assert_eq!(said("Line", Create, json!({"line": {"id": "l", "orderId": "o"}})).await, deleted);
    let missing = refers("x", "does not exist");
    assert_eq!(said("Line", Create, json!({"line": {"id": "l", "orderId": "x"}})).await, missing);
    // A record that is not deleted conflicts as before. The metadata reports whether the conflicting record is deleted.
    fixture.call("Order", Create, json!({"order": {"id": "r"}})).await.unwrap();
    let order = json!({"id": "r"});
    let exists = "test.v1.Order \"r\" exists already; update it, or choose another id";
    assert_eq!(said("Order", Create, json!({"order": order})).await, is(Code::AlreadyExists, "RECORD_EXISTS", exists));
    let status = fixture.call("Order", Create, json!({"order": {"id": "o"}})).await.unwrap_err();
    assert_eq!(status.get_error_details().error_info().unwrap().metadata["isDeleted"], "true");
}

#[tokio::test]
async fn those_who_live_keep_what_they_refer_to() {
    let fixture = fixture().await;
    fixture.call("Order", Create, json!({"order": {"id": "o"}})).await.unwrap();
    fixture.call("Item", Create, json!({"item": {"id": "i", "orderId": "o"}})).await.unwrap();
    let status = fixture.call("Order", Delete, json!({"id": "o"})).await.unwrap_err();
    assert_eq!(refusal(&status).0, "RECORD_REFERENCED");
    fixture.call("Item", Delete, json!({"id": "i"})).await.unwrap();
    fixture.call("Order", Delete, json!({"id": "o"})).await.unwrap();
}

#[tokio::test]
async fn deleted_records_are_purged_after_their_time() {
    let fixture = fixture().await;
    for id in ["o", "p"] {
        fixture.call("Order", Create, json!({"order": {"id": id}})).await.unwrap();
        fixture.call("Line", Create, json!({"line": {"id": id, "orderId": id}})).await.unwrap();
        fixture.call("Order", Delete, json!({"id": id})).await.unwrap();
    }
    assert_eq!(purge::round(&fixture.records, &mut Retries::default()).await.unwrap(), 0);
    for table in ["order", "line"] {
        let column = if table == "order" { "id" } else { "order_id" };
        fixture
            .query(
                &format!("UPDATE test_v1.{table} SET deleted_at = now() - interval '31 days' WHERE {column} = 'o'")
                    .replace("order SET", "\"order\" SET"),
            )
            .await;
    }
    // What refers to them and lives keeps them waiting.
    let lag = || fixture.records.purge_lag().seconds(PurgeKind::Deleted);
    assert_eq!(lag(), 0.0);
    let item = "INSERT INTO test_v1.item (_tenant, _version, id, order_id) SELECT _tenant, 1, 'i', id FROM test_v1.\"order\" WHERE id = 'o'";
    fixture.query(item).await;
    purge::round(&fixture.records, &mut Retries::default()).await.unwrap();
    assert!((86_000.0..90_000.0).contains(&lag()), "one of 31 days, of which 30 are allowed: {}", lag());
    fixture.query("DELETE FROM test_v1.item").await;
    assert!(purge::round(&fixture.records, &mut Retries::default()).await.unwrap() >= 1);
    assert_eq!((lag(), fixture.records.purge_lag().seconds(PurgeKind::Expired)), (0.0, 0.0));
    assert_eq!(count(&fixture, "test_v1.\"order\"").await, 1);
    assert_eq!(count(&fixture, "test_v1.line").await, 1);
}

#[tokio::test]
async fn records_end_at_their_time() {
    let fixture = fixture().await;
    let created = fixture.call("Visit", Create, json!({"visit": {"id": "v"}})).await.unwrap();
    assert!(created["expiresAt"].is_string(), "the time to live is of the model: {created}");
    let past = json!({"visit": {"id": "w", "expiresAt": "2020-01-01T00:00:00Z", "note": "old"}});
    fixture.call("Visit", Create, past).await.unwrap();
    assert_eq!(fixture.call("Visit", Get, json!({"id": "w"})).await.unwrap_err().code(), Code::NotFound);
    let list = fixture.call("Visit", List, json!({})).await.unwrap();
    assert_eq!(list["visits"].as_array().unwrap().len(), 1);
    let status = fixture.call("Visit", Update, json!({"visit": {"id": "w", "note": "x"}})).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    // Its id is free, although its row still exists.
    let again = fixture.call("Visit", Create, json!({"visit": {"id": "w", "note": "new"}})).await.unwrap();
    assert_eq!(again["note"], "new");
    let past = json!({"visit": {"id": "x", "expiresAt": "2020-01-01T00:00:00Z"}});
    fixture.call("Visit", Create, past).await.unwrap();
    assert_eq!(purge::round(&fixture.records, &mut Retries::default()).await.unwrap(), 1);
    assert_eq!(count(&fixture, "test_v1.visit").await, 2);
}

#[tokio::test]
async fn a_page_token_is_for_those_that_are_shown() {
    let fixture = fixture().await;
    for id in ["a", "b", "c"] {
        fixture.call("Order", Create, json!({"order": {"id": id}})).await.unwrap();
    }
    let page = fixture.call("Order", List, json!({"pageSize": 1})).await.unwrap();
    let token = &page["nextPageToken"];
    fixture.call("Order", List, json!({"pageSize": 1, "pageToken": token})).await.unwrap();
    let with_deleted = json!({"pageSize": 1, "pageToken": token, "showDeleted": true});
    let status = fixture.call("Order", List, with_deleted).await.unwrap_err();
    assert_eq!(refusal(&status).0, "PAGE_TOKEN_INVALID");
}
