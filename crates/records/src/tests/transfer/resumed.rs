use super::super::fixture::Fixture;
use super::{atomic, counts, errors, import, messages, number, skipping, stored};
use groundplan_proto::records::v1::records_service_client::RecordsServiceClient;
use groundplan_proto::records::v1::{Format, ImportHeader, ImportResponse};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;

fn named(id: &str) -> ImportHeader {
    ImportHeader { import_id: id.to_owned(), ..skipping("Item", Format::Ndjson) }
}

/// Returns rows without ids, so that loading one twice creates two records. One row is invalid.
fn rows(count: usize) -> String {
    let row =
        |at: usize| if at == 7 { "{}\n".to_owned() } else { format!("{{\"title\":\"t{at}\",\"code\":\"{at}\"}}\n") };
    (0..count).map(row).collect()
}

/// Sends a part of an import, waits until a number of its rows are loaded, and disconnects.
async fn break_off(fixture: &Fixture, header: ImportHeader, bytes: &[u8], loaded: i64) {
    let mut client = RecordsServiceClient::new(fixture.transport.clone());
    let (sender, receiver) = mpsc::channel(1_000);
    for message in messages(header, bytes) {
        sender.send(message).await.unwrap();
    }
    let call = tokio::spawn(async move { client.import(ReceiverStream::new(receiver)).await });
    while number(fixture, "SELECT coalesce(max(rows), 0) FROM imports").await < loaded {
        assert!(!call.is_finished(), "the import finished: {:?}", call.await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
}

fn check(report: &ImportResponse, rows: i64) {
    assert_eq!((counts(report), errors(report)), ([rows, rows - 1, 0, 0, 1], vec![(8, "title", "required")]));
}

#[tokio::test]
async fn interrupted_import_resumes_and_loads_nothing_twice() {
    let fixture = Fixture::new().await;
    let all = rows(45_000);
    break_off(&fixture, named("one"), &all.as_bytes()[..all.len() * 7 / 10], 20_000).await;
    let (before, _) = stored(&fixture, "item", "Item").await;
    assert_eq!(before, 19_999);
    let report = import(&fixture, named("one"), all.as_bytes()).await.unwrap();
    check(&report, 45_000);
    assert_eq!(stored(&fixture, "item", "Item").await, (44_999, 44_999));
    // A repeated call gets the lost response.
    let again = import(&fixture, named("one"), all.as_bytes()).await.unwrap();
    assert_eq!(again, report);
    assert_eq!(stored(&fixture, "item", "Item").await, (44_999, 44_999));
}

#[tokio::test]
async fn atomic_import_is_loaded_once() {
    let fixture = Fixture::new().await;
    let header = ImportHeader { import_id: "x".into(), ..atomic("Item", Format::Ndjson) };
    let rows = b"{\"title\":\"a\"}\n{\"title\":\"b\"}\n";
    let report = import(&fixture, header.clone(), rows).await.unwrap();
    assert_eq!(import(&fixture, header, rows).await.unwrap(), report);
    assert_eq!((counts(&report), stored(&fixture, "item", "Item").await), ([2, 2, 0, 0, 0], (2, 2)));
}

#[tokio::test]
async fn import_id_identifies_one_import() {
    let fixture = Fixture::new().await;
    let all = rows(100);
    check(&import(&fixture, named("one"), all.as_bytes()).await.unwrap(), 100);
    let other = ImportHeader { model: "test.v1.Label".into(), ..named("one") };
    let changed = all.replace("t50", "t5O");
    for (header, rows) in [
        (other, all.clone()),
        (named("one"), changed),
        (named("one"), rows(99)),
        (named("one"), rows(101)),
        (named("one"), String::new()),
    ] {
        let status = import(&fixture, header, rows.as_bytes()).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(status.message().contains("stands for another import"), "{}", status.message());
    }
    assert_eq!(stored(&fixture, "item", "Item").await, (99, 99));
    // After a day, the id can be used for another import.
    fixture.query("UPDATE imports SET changed_at = now() - interval '25 hours'").await;
    fixture.query("DELETE FROM test_v1.item").await;
    let report = import(&fixture, named("one"), rows(10).as_bytes()).await.unwrap();
    check(&report, 10);
}

#[tokio::test]
async fn concurrent_calls_of_one_import_load_it_once() {
    let fixture = Fixture::new().await;
    let all = rows(30_000);
    let (left, right) =
        tokio::join!(import(&fixture, named("one"), all.as_bytes()), import(&fixture, named("one"), all.as_bytes()));
    assert!(left.is_ok() || right.is_ok());
    for call in [left, right] {
        match call {
            Ok(report) => check(&report, 30_000),
            Err(status) => assert_eq!(status.code(), Code::Aborted, "{}", status.message()),
        }
    }
    check(&import(&fixture, named("one"), all.as_bytes()).await.unwrap(), 30_000);
    assert_eq!(stored(&fixture, "item", "Item").await, (29_999, 29_999));
}

#[tokio::test]
async fn cancelled_import_leaves_complete_parts() {
    let fixture = Fixture::new().await;
    let all = rows(25_000);
    break_off(&fixture, named("one"), all.as_bytes(), 20_000).await;
    // The second part was incomplete, and no locks remain.
    let open = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' AND datname = current_database()";
    for _ in 0..1_500 {
        if number(&fixture, open).await == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(number(&fixture, open).await, 0);
    assert_eq!(stored(&fixture, "item", "Item").await, (19_999, 19_999));
}
