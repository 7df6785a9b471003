use super::{library, reason};
use groundplan_model::catalog::MethodKind::{Delete, Update};
use serde_json::json;
use tonic::Code;
use tonic_types::StatusExt;

#[tokio::test]
async fn those_who_refer_keep_a_record_and_are_named() {
    let fixture = library().await;
    let author = fixture.make("Author", json!({"name": "a"})).await;
    let mut books = Vec::new();
    for at in 0..12 {
        books.push(fixture.make("Book", json!({"title": at.to_string(), "authorId": author})).await);
    }
    let status = fixture.delete("Author", &author).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "RECORD_REFERENCED"));
    let message = status.message();
    assert!(books[..10].iter().all(|book| message.contains(book)) && !message.contains(&books[10]), "{message}");
    assert!(message.ends_with("and more") && message.contains("test.v1.Book \""), "{message}");
    let details = status.get_error_details();
    let violations = &details.precondition_failure().unwrap().violations;
    assert_eq!(violations.len(), 10);
    assert_eq!(violations[0].r#type, "REFERENCE");
    assert_eq!(violations[0].subject, format!("test.v1.Book/{}", books[0]));
    assert_eq!(violations[0].description, format!("author_id refers to test.v1.Author {author:?}"));
    assert_eq!(details.resource_info().unwrap().resource_name, author);
    for book in &books {
        fixture.delete("Book", book).await.unwrap();
    }
    fixture.delete("Author", &author).await.unwrap();
    assert_eq!(fixture.delete("Author", &author).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn ten_are_all_there_are() {
    let fixture = library().await;
    let author = fixture.make("Author", json!({"name": "a"})).await;
    for _ in 0..10 {
        fixture.make("Book", json!({"title": "t", "authorId": author})).await;
    }
    let status = fixture.delete("Author", &author).await.unwrap_err();
    assert!(!status.message().contains("more"), "{}", status.message());
    assert_eq!(status.get_error_details().precondition_failure().unwrap().violations.len(), 10);
}

#[tokio::test]
async fn what_cannot_be_without_it_goes_with_it() {
    let fixture = library().await;
    fixture.make("Shelf", json!({"id": "s"})).await;
    fixture.make("Shelf", json!({"id": "other"})).await;
    // A circle of three books, of which one is on the shelf, one that is its own sequel, and one elsewhere.
    let first = fixture.make("Book", json!({"title": "1", "shelf": "s"})).await;
    let second = fixture.make("Book", json!({"title": "2", "sequelOfId": first})).await;
    let third = fixture.make("Book", json!({"title": "3", "sequelOfId": second})).await;
    fixture.call("Book", Update, json!({"book": {"id": first, "sequelOfId": third}})).await.unwrap();
    let own = fixture.make("Book", json!({"title": "4", "shelf": "s"})).await;
    fixture.call("Book", Update, json!({"book": {"id": own, "sequelOfId": own}})).await.unwrap();
    let elsewhere = fixture.make("Book", json!({"title": "5", "shelf": "other"})).await;
    // These restrict each other, in a circle, and nothing else: they all go.
    let mut reviews = Vec::new();
    for book in [&first, &third, &own] {
        reviews.push(fixture.make("Review", json!({"text": "r", "bookId": book})).await);
    }
    for (review, after) in reviews.iter().zip(reviews.iter().cycle().skip(1)) {
        fixture.call("Review", Update, json!({"review": {"id": review, "afterId": after}})).await.unwrap();
    }
    fixture.make("Review", json!({"text": "r", "bookId": elsewhere})).await;
    fixture.make("Loan", json!({"bookId": third, "shelf": "s"})).await;

    fixture.delete("Shelf", "s").await.unwrap();
    assert_eq!(fixture.query("SELECT 1 FROM test_v1.book").await.len(), 1);
    fixture.read("Book", &elsewhere).await.unwrap();
    let counts = (fixture.count("Shelf").await, fixture.count("Review").await, fixture.count("Loan").await);
    assert_eq!(counts, (1, 1, 0));
}

#[tokio::test]
async fn what_is_in_the_way_further_down_keeps_everything() {
    let fixture = library().await;
    fixture.make("Shelf", json!({"id": "s"})).await;
    let first = fixture.make("Book", json!({"title": "1", "shelf": "s"})).await;
    let second = fixture.make("Book", json!({"title": "2", "sequelOfId": first})).await;
    let review = fixture.make("Review", json!({"text": "in", "bookId": first})).await;
    let outside = fixture.make("Review", json!({"text": "out", "afterId": review})).await;
    let loan = fixture.make("Loan", json!({"bookId": second})).await;
    let status = fixture.delete("Shelf", "s").await.unwrap_err();
    assert_eq!(reason(&status), "RECORD_REFERENCED");
    assert!(status.message().contains(&loan) && status.message().contains(&outside), "{}", status.message());
    let details = status.get_error_details();
    let violation = &details.precondition_failure().unwrap().violations[0];
    assert_eq!(violation.description, format!("book_id refers to test.v1.Book {second:?}"));
    let counts = (fixture.count("Shelf").await, fixture.count("Book").await, fixture.count("Review").await);
    assert_eq!(counts, (1, 2, 2));
    fixture.delete("Loan", &loan).await.unwrap();
    fixture.delete("Review", &outside).await.unwrap();
    fixture.delete("Shelf", "s").await.unwrap();
    assert_eq!(fixture.count("Book").await + fixture.count("Review").await, 0);
}

#[tokio::test]
async fn cleared_references_are_changes_of_their_records() {
    let fixture = library().await;
    let publisher = fixture.make("Publisher", json!({"name": "p"})).await;
    let other = fixture.make("Publisher", json!({"name": "q"})).await;
    let author = fixture.create("Author", json!({"name": "a", "publisherId": publisher})).await.unwrap();
    let book = fixture.create("Book", json!({"title": "b", "publisherId": publisher, "note": "kept"})).await.unwrap();
    let untouched = fixture.create("Book", json!({"title": "c", "publisherId": other})).await.unwrap();
    fixture.query("UPDATE test_v1.book SET updated_at = '2999-01-01T00:00:00Z' WHERE title = 'b' RETURNING 1").await;
    fixture.delete("Publisher", &publisher).await.unwrap();

    let after = fixture.read("Author", author["id"].as_str().unwrap()).await.unwrap();
    assert!(after.get("publisherId").is_none() && after["name"] == "a");
    assert!(after["updatedAt"].as_str() > author["updatedAt"].as_str(), "{after}");
    let version = |record: &serde_json::Value| u64::from_str_radix(record["etag"].as_str().unwrap(), 16).unwrap();
    assert_eq!(version(&after), version(&author) + 1);
    let after = fixture.read("Book", book["id"].as_str().unwrap()).await.unwrap();
    assert!(after.get("publisherId").is_none());
    assert_eq!(version(&after), version(&book) + 1);
    assert!(after["updatedAt"].as_str().unwrap().starts_with("2999"), "a record's times do not go back");
    assert_eq!(fixture.query("SELECT 1 FROM test_v1.book WHERE note = 'kept'").await.len(), 1);
    assert_eq!(fixture.read("Book", untouched["id"].as_str().unwrap()).await.unwrap(), untouched);
    let stale = json!({"book": {"id": book["id"], "title": "x"}, "etag": book["etag"]});
    assert_eq!(reason(&fixture.call("Book", Update, stale).await.unwrap_err()), "ETAG_MISMATCH");
}

#[tokio::test]
async fn an_etag_guards_a_delete_with_others() {
    let fixture = library().await;
    let author = fixture.create("Author", json!({"name": "a"})).await.unwrap();
    let changed = fixture.call("Author", Update, json!({"author": {"id": author["id"], "name": "b"}})).await.unwrap();
    let stale = json!({"id": author["id"], "etag": author["etag"]});
    assert_eq!(reason(&fixture.call("Author", Delete, stale).await.unwrap_err()), "ETAG_MISMATCH");
    fixture.call("Author", Delete, json!({"id": author["id"], "etag": changed["etag"]})).await.unwrap();
    let gone = json!({"id": author["id"], "etag": changed["etag"]});
    assert_eq!(fixture.call("Author", Delete, gone).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn a_delete_of_too_many_does_nothing() {
    let fixture = library().await;
    let book = fixture.make("Book", json!({"title": "b"})).await;
    let reviews = |count: usize| {
        format!(
            "INSERT INTO test_v1.review (_tenant, _version, id, text, book_id) \
             SELECT 'default', 1, gen_random_uuid(), '', '{book}' FROM generate_series(1, {count}) RETURNING 1"
        )
    };
    fixture.query(&reviews(10_000)).await;
    let status = fixture.delete("Book", &book).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "ANSWER_TOO_LARGE"));
    assert!(status.message().contains("10000"), "{}", status.message());
    assert_eq!((fixture.count("Book").await, fixture.count("Review").await), (1, 10_000));
    let one = "DELETE FROM test_v1.review WHERE id = (SELECT id FROM test_v1.review LIMIT 1) RETURNING 1";
    fixture.query(one).await;
    fixture.delete("Book", &book).await.unwrap();
    assert_eq!((fixture.count("Book").await, fixture.count("Review").await), (0, 0));
}

#[tokio::test]
async fn a_delete_that_clears_too_many_does_nothing() {
    let fixture = library().await;
    let publisher = fixture.make("Publisher", json!({"name": "p"})).await;
    // Two kinds of records refer to it, and count together.
    let author = fixture.create("Author", json!({"name": "a", "publisherId": publisher})).await.unwrap();
    let books = format!(
        "INSERT INTO test_v1.book (_tenant, _version, id, publisher_id) \
         SELECT 'default', 1, gen_random_uuid(), '{publisher}' FROM generate_series(1, 10000) RETURNING 1"
    );
    fixture.query(&books).await;
    let status = fixture.delete("Publisher", &publisher).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "ANSWER_TOO_LARGE"));
    assert!(status.message().contains("more than 10000 references"), "{}", status.message());
    assert_eq!(fixture.read("Author", author["id"].as_str().unwrap()).await.unwrap(), author);
    fixture.query("UPDATE test_v1.author SET publisher_id = NULL RETURNING 1").await;
    fixture.delete("Publisher", &publisher).await.unwrap();
    let cleared = "SELECT 1 FROM test_v1.book WHERE publisher_id IS NULL AND _version = 2";
    assert_eq!(fixture.query(cleared).await.len(), 10_000);
}

#[tokio::test]
async fn a_long_chain_goes_link_by_link() {
    let fixture = library().await;
    let mut last = fixture.make("Book", json!({"title": "0"})).await;
    let first = last.clone();
    for at in 1..100 {
        last = fixture.make("Book", json!({"title": at.to_string(), "sequelOfId": last})).await;
    }
    fixture.delete("Book", &first).await.unwrap();
    assert_eq!(fixture.count("Book").await, 0);
}

#[tokio::test]
async fn a_delete_stays_within_its_tenant() {
    let fixture = library().await;
    let author = fixture.make("Author", json!({"name": "a"})).await;
    for (table, columns, values) in [
        ("author", "id, name", format!("'{author}', 'theirs'")),
        ("book", "id, author_id", format!("gen_random_uuid(), '{author}'")),
    ] {
        let sql = format!(
            "INSERT INTO test_v1.{table} (_tenant, _version, {columns}) VALUES ('other', 1, {values}) RETURNING 1"
        );
        fixture.query(&sql).await;
    }
    fixture.delete("Author", &author).await.unwrap();
    assert_eq!((fixture.count("Author").await, fixture.count("Book").await), (1, 1));
}
