use super::super::fixture::{Fixture, thing};
use super::{atomic, counts, errors, export, import, number, skipping, stored};
use groundplan_model::catalog::MethodKind::{Get, Watch};
use groundplan_proto::records::v1::{Format, ImportHeader};
use serde_json::json;
use std::fmt::Write as _;
use tonic::Code;
use tonic_types::StatusExt as _;

const ID: &str = "0198c0de-7a5e-7c3b-9d41-0242ac120002";

#[tokio::test]
async fn rows_become_records_unchanged() {
    let fixture = Fixture::new().await;
    let row = format!(
        r#"{{"id":"{}","title":"a","computed":"by us","password":"secret","etag":"1","createdAt":"2020-01-01T00:00:00Z","updatedAt":"2021-01-01T00:00:00.5Z","part":{{"checkedBy":"me"}}}}"#,
        ID.to_uppercase()
    );
    for header in [atomic("Item", Format::Ndjson), skipping("Item", Format::Ndjson)] {
        fixture.query("DELETE FROM test_v1.item").await;
        let report = import(&fixture, header, format!("{row}\n{{\"title\": \"b\"}}").as_bytes()).await.unwrap();
        assert_eq!((counts(&report), errors(&report)), ([2, 2, 0, 0, 0], vec![]));
        let item = fixture.call("Item", Get, json!({"id": ID})).await.unwrap();
        assert_eq!((&item["computed"], &item["part"]["checkedBy"]), (&json!("by us"), &json!("me")));
        assert_eq!(item["createdAt"], "2020-01-01T00:00:00Z");
        assert_eq!(item["updatedAt"], "2021-01-01T00:00:00.500Z");
        assert_ne!(item["etag"], "1");
        assert_eq!(number(&fixture, "SELECT count(*) FROM test_v1.item WHERE password = 'secret'").await, 1);
        let fresh = "SELECT count(*) FROM test_v1.item WHERE created_at > now() - interval '1 minute' AND updated_at = created_at";
        assert_eq!(number(&fixture, fresh).await, 1);
    }
    assert_eq!(stored(&fixture, "item", "Item").await, (2, 4));
}

#[tokio::test]
async fn watchers_receive_each_row_in_order() {
    let fixture = Fixture::new().await;
    let mut watch = fixture.stream("Label", Watch, json!({"start": "START_NOW"})).await.unwrap();
    while watch.next().await.unwrap()["token"] == "" {}
    let mut rows = String::new();
    for at in 0..1_000 {
        writeln!(rows, "{{\"id\": \"l{at}\", \"text\": \"t{at}\"}}").unwrap();
    }
    import(&fixture, skipping("Label", Format::Ndjson), rows.as_bytes()).await.unwrap();
    let mut heard = 0;
    while heard < 1_000 {
        let event = watch.next().await.unwrap();
        if event["kind"] == "EVENT_KIND_CREATED" {
            assert_eq!(event["label"], json!({"id": format!("l{heard}"), "text": format!("t{heard}")}));
            heard += 1;
        }
    }
    let one = "SELECT count(DISTINCT position) + sum(is_last::int) * 10 + max(part) * 100 FROM events WHERE topic = 'test.v1.Label'";
    assert_eq!(number(&fixture, one).await, 1 + 10 + 99_900, "one position, whose parts count from 0");
}

#[tokio::test]
async fn invalid_rows_are_skipped_or_nothing_is_loaded() {
    let fixture = Fixture::new().await;
    let rows = b"{\"title\":\"a\"}\n{\"rank\":-1}\nnonsense\n\n{\"title\":\"b\",\"titel\":1}\n{\"title\":\"c\"}\n{\"id\":\"x\",\"title\":\"d\"}\n";
    let report = import(&fixture, skipping("Item", Format::Ndjson), rows).await.unwrap();
    assert_eq!(counts(&report), [6, 2, 0, 0, 4]);
    let fields: Vec<_> = report.errors.iter().map(|error| (error.line, error.field.as_str())).collect();
    assert_eq!(fields, [(2, "title"), (2, "rank"), (3, ""), (5, "titel"), (7, "id")]);
    assert!(report.errors[3].message.contains("did you mean title?"), "{:?}", report.errors[3]);
    let status = import(&fixture, atomic("Item", Format::Ndjson), rows).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let details = status.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "ROWS_INVALID");
    let fields: Vec<_> = details.bad_request().unwrap().field_violations.iter().map(|v| v.field.clone()).collect();
    assert_eq!(fields, ["line 2: title", "line 2: rank", "line 3", "line 5: titel", "line 7: id"]);
    assert_eq!(stored(&fixture, "item", "Item").await, (2, 2));
}

#[tokio::test]
async fn response_contains_the_first_hundred_errors() {
    let fixture = Fixture::new().await;
    let report = import(&fixture, skipping("Item", Format::Ndjson), "{}\n".repeat(250).as_bytes()).await.unwrap();
    assert_eq!((counts(&report), report.errors.len(), report.more_errors), ([250, 0, 0, 0, 250], 100, true));
}

#[tokio::test]
async fn import_can_have_many_parts() {
    let fixture = Fixture::new().await;
    let mut rows = String::from("id,text\r\n");
    for at in 0..45_000 {
        writeln!(rows, "l{at},\"text {at}\"\r").unwrap();
    }
    let report = import(&fixture, skipping("Label", Format::Csv), rows.as_bytes()).await.unwrap();
    assert_eq!(counts(&report), [45_000, 45_000, 0, 0, 0]);
    assert_eq!(stored(&fixture, "label", "Label").await, (45_000, 45_000));
    let positions = "SELECT count(DISTINCT position) FROM events";
    assert_eq!(number(&fixture, positions).await, 3);
    let (bytes, records) = export(&fixture, "Label", Format::Ndjson, "").await.unwrap();
    assert_eq!((bytes.iter().filter(|byte| **byte == b'\n').count(), records), (45_000, 45_000));
    fixture.query("DELETE FROM test_v1.label").await;
    let report = import(&fixture, atomic("Label", Format::Ndjson), &bytes).await.unwrap();
    assert_eq!(counts(&report), [45_000, 45_000, 0, 0, 0]);
    assert_eq!(stored(&fixture, "label", "Label").await, (45_000, 90_000));
    assert_eq!(number(&fixture, positions).await, 4);
}

#[tokio::test]
async fn rows_that_postgresql_rejects_name_their_line() {
    let fixture = Fixture::new().await;
    fixture.query("ALTER TABLE test_v1.label ADD CONSTRAINT no_nines CHECK (text <> '9' AND text <> '70')").await;
    let rows: String = (0..100).map(|at| format!("{{\"id\":\"l{at}\",\"text\":\"{at}\"}}\n")).collect();
    let report = import(&fixture, skipping("Label", Format::Ndjson), rows.as_bytes()).await.unwrap();
    assert_eq!(counts(&report), [100, 98, 0, 0, 2]);
    assert_eq!(errors(&report), [(10, "", "database"), (71, "", "database")]);
    assert_eq!(stored(&fixture, "label", "Label").await, (98, 98));
    let status =
        import(&fixture, atomic("Label", Format::Ndjson), b"{\"id\":\"x\",\"text\":\"9\"}\n").await.unwrap_err();
    assert_eq!(status.get_error_details().error_info().unwrap().reason, "ROWS_INVALID");
}

#[tokio::test]
async fn dry_run_checks_everything_and_stores_nothing() {
    let fixture = Fixture::new().await;
    let rows = b"{\"title\":\"a\",\"code\":\"1\"}\n{\"title\":\"b\",\"code\":\"1\"}\n{\"title\":\"c\"}\n";
    let rehearsal = ImportHeader { validate_only: true, ..skipping("Item", Format::Ndjson) };
    let report = import(&fixture, rehearsal.clone(), rows).await.unwrap();
    assert_eq!((counts(&report), errors(&report)), ([3, 2, 0, 0, 1], vec![(2, "code", "unique")]));
    let all = ImportHeader { validate_only: true, ..atomic("Item", Format::Ndjson) };
    assert_eq!(import(&fixture, all, rows).await.unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(stored(&fixture, "item", "Item").await, (0, 0));
    let named = ImportHeader { import_id: "x".to_owned(), ..rehearsal };
    assert_eq!(import(&fixture, named, rows).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn history_continues_after_a_large_part() {
    let fixture = Fixture::empty().await;
    let models = thing("string name = 2;").replace("model) = {}", "model) = { history: {} }");
    fixture.apply(1, &models).await.unwrap();
    let rows: String = (0..2_000).map(|at| format!("{{\"name\":\"n{at}\"}}\n")).collect();
    import(&fixture, skipping("Thing", Format::Ndjson), rows.as_bytes()).await.unwrap();
    for _ in 0..500 {
        if number(&fixture, "SELECT count(*) FROM history").await == 2_000 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the history stands still");
}
