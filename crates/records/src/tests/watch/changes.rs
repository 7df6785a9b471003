//! The events that a watcher gets for a change.

use super::super::fixture::Fixture;
use super::told;
use groundplan_model::catalog::MethodKind::Watch;
use serde_json::json;

#[tokio::test]
async fn a_record_is_followed_from_its_creation_to_its_end() {
    let fixture = Fixture::new().await;
    let mut plain = fixture.watch_now("Item", json!({})).await;
    let mut previous = fixture.watch_now("Item", json!({"withPrevious": true})).await;
    let created = fixture.item(json!({"title": "one", "rank": 1, "password": "secret"})).await;
    let event = plain.change().await;
    assert_eq!(told(&event), ("CREATED", "one"));
    assert_eq!(event["item"], created, "as every other call shows it, without what is input only");
    assert_eq!(event["time"], created["createdAt"]);
    assert!(event.get("changedFields").is_none() && event.get("previous").is_none());

    let updated = fixture.change(json!({"id": created["id"], "rank": 2})).await;
    let event = plain.change().await;
    assert_eq!((told(&event).0, &event["item"]), ("UPDATED", &updated));
    assert_eq!(event["changedFields"], "rank,updatedAt");
    assert!(event.get("previous").is_none());
    previous.change().await;
    let event = previous.change().await;
    assert_eq!((&event["item"], &event["previous"]), (&updated, &created));

    fixture.remove(&created["id"]).await;
    for messages in [&mut plain, &mut previous] {
        let event = messages.change().await;
        assert_eq!(
            (told(&event).0, &event["removal"], &event["item"]),
            ("REMOVED", &json!("REMOVAL_DELETED"), &updated)
        );
    }
}

#[tokio::test]
async fn a_filter_is_entered_and_left() {
    let fixture = Fixture::new().await;
    let mut high = fixture.watch_now("Item", json!({"filter": "rank > 10"})).await;
    let one = fixture.item(json!({"title": "one", "rank": 5})).await;
    let two = fixture.item(json!({"title": "two", "rank": 50})).await;
    let entered = fixture.change(json!({"id": one["id"], "rank": 11})).await;
    fixture.change(json!({"id": one["id"], "rank": 12})).await;
    fixture.change(json!({"id": two["id"], "rank": 2})).await;
    fixture.change(json!({"id": two["id"], "rank": 1})).await;
    fixture.remove(&two["id"]).await;
    fixture.remove(&one["id"]).await;
    let event = high.change().await;
    assert_eq!(told(&event), ("CREATED", "two"));
    let event = high.change().await;
    assert_eq!((told(&event), &event["item"]), (("CREATED", "one"), &entered));
    assert_eq!(told(&high.change().await), ("UPDATED", "one"));
    let event = high.change().await;
    assert_eq!((told(&event), &event["removal"]), (("REMOVED", "two"), &json!("REMOVAL_NO_MATCH")));
    assert_eq!(
        (&event["item"]["rank"], &event["item"]["etag"]),
        (&json!(50), &two["etag"]),
        "as it was when it matched"
    );
    let event = high.change().await;
    assert_eq!((told(&event), &event["removal"]), (("REMOVED", "one"), &json!("REMOVAL_DELETED")));
}

#[tokio::test]
async fn a_mask_shows_its_fields_and_the_id() {
    let fixture = Fixture::new().await;
    let mut masked = fixture.watch_now("Item", json!({"readMask": "title", "withPrevious": true})).await;
    let created = fixture.item(json!({"title": "one", "rank": 1})).await;
    let id = &created["id"];
    assert_eq!(masked.change().await["item"], json!({"id": id, "title": "one"}));
    fixture.change(json!({"id": id, "title": "two"})).await;
    let event = masked.change().await;
    assert_eq!(event["item"], json!({"id": id, "title": "two"}));
    assert_eq!(event["previous"], json!({"id": id, "title": "one"}));
}

#[tokio::test]
async fn what_a_transaction_changes_comes_together() {
    let fixture = super::super::relations::library().await;
    let shelf = fixture.make("Shelf", json!({"id": "s"})).await;
    let mut books = fixture.watch_now("Book", json!({})).await;
    let author = fixture.make("Author", json!({"name": "a"})).await;
    let first = fixture.make("Book", json!({"title": "1", "authorId": author, "shelf": shelf})).await;
    fixture.make("Book", json!({"title": "2", "authorId": author, "sequelOfId": first})).await;
    fixture.make("Book", json!({"title": "3", "authorId": author})).await;
    let created = [books.change().await, books.change().await, books.change().await];
    let transaction = |event: &serde_json::Value| event["transaction"].as_str().unwrap().to_owned();
    assert_ne!(transaction(&created[0]), transaction(&created[1]));
    fixture.delete("Shelf", "s").await.unwrap();
    let removed = [books.change().await, books.change().await];
    assert!(removed.iter().all(|event| event["kind"] == "EVENT_KIND_REMOVED"));
    assert_eq!(transaction(&removed[0]), transaction(&removed[1]));
    assert_ne!(removed[0]["token"], removed[1]["token"]);
    // Each place within the transaction can be resumed from.
    let mut again = fixture.stream("Book", Watch, json!({"token": removed[0]["token"]})).await.unwrap();
    assert_eq!(again.change().await["book"], removed[1]["book"]);
}

#[tokio::test]
async fn a_reference_that_is_cleared_with_another_record_is_a_change() {
    let fixture = super::super::relations::library().await;
    let publisher = fixture.make("Publisher", json!({"name": "p"})).await;
    let author = fixture.make("Author", json!({"name": "a", "publisherId": publisher})).await;
    let mut authors = fixture.watch_now("Author", json!({"withPrevious": true})).await;
    fixture.delete("Publisher", &publisher).await.unwrap();
    let event = authors.change().await;
    assert_eq!(event["kind"], "EVENT_KIND_UPDATED");
    assert_eq!(event["changedFields"], "publisherId,updatedAt");
    assert_eq!(event["previous"]["publisherId"], publisher.as_str());
    assert_eq!(event["author"], fixture.read("Author", &author).await.unwrap());
}
