use super::{library, reason, violations};
use crate::tests::fixture::Fixture;
use groundplan_model::catalog::MethodKind::Update;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::watch;
use tonic::Code;

/// Returns a library where deadlocks are detected immediately.
async fn hasty_library() -> Arc<Fixture> {
    let fixture = library().await;
    fixture.query("ALTER SYSTEM SET deadlock_timeout = '5ms'").await;
    fixture.query("SELECT pg_reload_conf()").await;
    Arc::new(fixture)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_delete_and_a_new_reference_one_wins() {
    let fixture = hasty_library().await;
    let mut kept = 0;
    for _ in 0..60 {
        let author = fixture.make("Author", json!({"name": "a"})).await;
        let create = {
            let (fixture, author) = (fixture.clone(), author.clone());
            tokio::spawn(async move { fixture.create("Book", json!({"title": "t", "authorId": author})).await })
        };
        let delete = {
            let (fixture, author) = (fixture.clone(), author.clone());
            tokio::spawn(async move { fixture.delete("Author", &author).await })
        };
        match (create.await.unwrap(), delete.await.unwrap()) {
            (Ok(_), Err(status)) => {
                assert_eq!(reason(&status), "RECORD_REFERENCED");
                kept += 1;
            }
            (Err(status), Ok(())) => assert_eq!(violations(&status)[0].0, "author_id"),
            both => panic!("{both:?}"),
        }
    }
    assert_eq!(fixture.count("Author").await, kept);
    assert_eq!(fixture.count("Book").await, kept);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_goes_with_a_record_is_left() {
    let fixture = hasty_library().await;
    let (created, mut all_expected) = (Arc::new(AtomicUsize::new(0)), 0);
    for round in 0..25 {
        for shelf in ["a", "b"] {
            fixture.make("Shelf", json!({"id": shelf})).await;
        }
        // The deletes start when this many books exist: none in some rounds, all three in others.
        let books = watch::Sender::new(0);
        let expected = round % 4;
        all_expected += expected;
        let mut callers = Vec::new();
        for at in 0..3 {
            let (fixture, books, created) = (fixture.clone(), books.clone(), created.clone());
            callers.push(tokio::spawn(async move {
                let (from, to) = if at == 0 { ("a", "b") } else { ("b", "a") };
                let book = match fixture.create("Book", json!({"title": "t", "shelf": from})).await {
                    Ok(book) => book,
                    Err(status) => {
                        assert_eq!(violations(&status)[0].0, "shelf");
                        // Only a delete removes a shelf, and the deletes wait for the expected books.
                        assert!(*books.borrow() >= expected, "{status:?}: no shelf is deleted yet");
                        return;
                    }
                };
                books.send_modify(|books| *books += 1);
                created.fetch_add(1, Ordering::Relaxed);
                let review = fixture.create("Review", json!({"text": "r", "bookId": book["id"]})).await;
                let moved = json!({"book": {"id": book["id"], "shelf": to}, "updateMask": "shelf"});
                let moved = fixture.call("Book", Update, moved).await;
                for status in [review.err(), moved.err()].into_iter().flatten() {
                    assert!(matches!(status.code(), Code::InvalidArgument | Code::NotFound), "{status:?}");
                }
            }));
        }
        for shelf in ["a", "b"] {
            let (fixture, books) = (fixture.clone(), books.clone());
            callers.push(tokio::spawn(async move {
                books.subscribe().wait_for(|books| *books >= expected).await.unwrap();
                fixture.delete("Shelf", shelf).await.unwrap();
            }));
        }
        for caller in callers {
            caller.await.unwrap();
        }
        let counts = (fixture.count("Shelf").await, fixture.count("Book").await, fixture.count("Review").await);
        assert_eq!(counts, (0, 0, 0), "round {round}");
    }
    // Tables are empty without any delete, too, if no create succeeds.
    let created = created.load(Ordering::Relaxed);
    assert!(created >= all_expected, "{created} books were created, and not {all_expected} or more");
}

#[tokio::test(flavor = "multi_thread")]
async fn deletes_that_want_each_others_records_both_end() {
    let fixture = hasty_library().await;
    for round in 0..15 {
        let first = fixture.make("Book", json!({"title": "1"})).await;
        let second = fixture.make("Book", json!({"title": "2", "sequelOfId": first})).await;
        fixture.call("Book", Update, json!({"book": {"id": first, "sequelOfId": second}})).await.unwrap();
        let deletes = [first, second].map(|id| {
            let fixture = fixture.clone();
            tokio::spawn(async move { fixture.delete("Book", &id).await })
        });
        let mut deleted = 0;
        for delete in deletes {
            match delete.await.unwrap() {
                Ok(()) => deleted += 1,
                Err(status) => assert_eq!(status.code(), Code::NotFound, "{status:?}"),
            }
        }
        assert_eq!((deleted, fixture.count("Book").await), (1, 0), "round {round}");
    }
}
