//! Gets of several records in one call.

use super::relations::{expanding, library, related, texts};
use groundplan_error::Reason;
use groundplan_operations::View;
use serde_json::{Value, json};

const NOBODY: &str = "0198c0de-7a5e-7c3b-9d41-0242ac120002";

fn ids(records: &[Value]) -> Vec<&str> {
    records.iter().map(|record| record["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn records_come_in_the_order_asked_for_and_as_often() {
    let fixture = library().await;
    let mut made = Vec::new();
    for at in 0..5 {
        made.push(fixture.make("Book", json!({"title": at.to_string(), "note": "hidden"})).await);
    }
    let asked = [&made[3], &made[0], &made[3], &made[4].to_uppercase()].map(Clone::clone);
    let (records, included) = fixture.batch("Book", &asked, &View::default()).await.unwrap();
    assert_eq!(ids(&records), [&made[3], &made[0], &made[3], &made[4]]);
    assert!(included.records.is_empty());
    for record in &records {
        let (single, _) = fixture.get_view("Book", record["id"].as_str().unwrap(), &View::default()).await.unwrap();
        assert_eq!(record, &single);
    }
    let view = View { read_mask: texts(&["title"]), expand: Vec::new() };
    let (records, _) = fixture.batch("Book", &asked[..2], &view).await.unwrap();
    assert_eq!(records, [json!({"title": "3"}), json!({"title": "0"})]);
}

#[tokio::test]
async fn what_is_missing_is_named_and_nothing_is_read() {
    let fixture = library().await;
    let made = fixture.make("Book", json!({"title": "t"})).await;
    let another = NOBODY.replace('2', "3");
    let batch = async |asked: &[&str]| fixture.batch("Book", &texts(asked), &View::default()).await.unwrap_err();
    let error = batch(&[&made, NOBODY]).await;
    assert_eq!((error.reason(), error.message().contains(NOBODY)), (Reason::RecordNotFound, true));
    let error = batch(&[&another, &made, NOBODY, NOBODY]).await;
    assert_eq!(error.message(), format!("test.v1.Book {another:?} does not exist, nor does another of the batch"));
    let error = batch(&[NOBODY, &another, &NOBODY.replace('2', "4")]).await;
    assert_eq!(error.message(), format!("test.v1.Book {NOBODY:?} does not exist, nor do 2 others of the batch"));
    let error = batch(&[&made, "x", "", &made]).await;
    let fields: Vec<&str> = error.violations().iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!(fields, ["ids[1]", "ids[2]"]);
    let error = batch(&[]).await;
    assert_eq!(error.message(), "Ids must be 1 to 1000, not 0; split a longer list up");
    assert!(batch(&vec![made.as_str(); 1_001]).await.message().contains("1001"));
    assert_eq!(fixture.batch("Book", &vec![made; 1_000], &View::default()).await.unwrap().0.len(), 1_000);
}

#[tokio::test]
async fn relations_are_followed_whatever_the_mask_leaves_out() {
    let fixture = library().await;
    let author = fixture.make("Author", json!({"name": "a"})).await;
    let first = fixture.make("Book", json!({"title": "1", "authorId": author})).await;
    let second = fixture.make("Book", json!({"title": "2", "authorId": author, "sequelOfId": first})).await;
    let view = View { read_mask: texts(&["title"]), ..expanding(&["author", "sequel_of", "later_books"]) };
    let (records, included) = fixture.batch("Book", std::slice::from_ref(&second), &view).await.unwrap();
    assert_eq!(records, [json!({"title": "2"})]);
    let found = related(&included);
    assert_eq!((&found["test.v1.Author"][0]["id"], &found["test.v1.Book"][0]["id"]), (&json!(author), &json!(first)));
    // Those that were asked for are not repeated, unless the mask hides part of them.
    let both = [first, second];
    let (_, included) = fixture.batch("Book", &both, &view).await.unwrap();
    let repeated = related(&included)["test.v1.Book"].as_array().unwrap().clone();
    assert_eq!(ids(&repeated), both);
    let (_, included) = fixture.batch("Book", &both, &View { read_mask: Vec::new(), ..view }).await.unwrap();
    assert_eq!(related(&included).as_object().unwrap().keys().collect::<Vec<_>>(), ["test.v1.Author"]);
}

#[tokio::test]
async fn a_batch_fits_into_what_clients_receive() {
    let fixture = library().await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(fixture.make("Book", json!({"title": "x".repeat(1 << 20)})).await);
    }
    let (records, _) = fixture.batch("Book", &made[..3], &View::default()).await.unwrap();
    assert_eq!(records.len(), 3);
    let error = fixture.batch("Book", &made, &View::default()).await.unwrap_err();
    assert_eq!(error.reason(), Reason::TooLarge);
    assert!(error.message().contains("read mask"), "{}", error.message());
    // The same record often is as much.
    let error = fixture.batch("Book", &vec![made[0].clone(); 1_000], &View::default()).await.unwrap_err();
    assert_eq!(error.reason(), Reason::TooLarge);
    let view = View { read_mask: texts(&["id"]), expand: Vec::new() };
    let (records, _) = fixture.batch("Book", &made, &view).await.unwrap();
    assert_eq!(ids(&records), made);
}
