use super::super::fixture::Fixture;
use super::{atomic, counts, errors, import, messages, number, skipping, stored};
use groundplan_model::catalog::MethodKind::List;
use groundplan_proto::records::v1::import_request::Part;
use groundplan_proto::records::v1::records_service_client::RecordsServiceClient;
use groundplan_proto::records::v1::{ExportRequest, Format, ImportHeader, ImportRequest};
use serde_json::json;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

async fn send(fixture: &Fixture, messages: Vec<ImportRequest>) -> Status {
    let mut client = RecordsServiceClient::new(fixture.transport.clone());
    client.import(tokio_stream::iter(messages)).await.unwrap_err()
}

fn chunk(bytes: &[u8]) -> ImportRequest {
    ImportRequest { part: Some(Part::Chunk(bytes.to_vec())) }
}

#[tokio::test]
async fn invalid_imports_are_errors_with_explanations() {
    let fixture = Fixture::new().await;
    let good = || messages(skipping("Label", Format::Csv), b"");
    let header = |change: fn(&mut ImportHeader)| {
        let mut header = skipping("Label", Format::Csv);
        change(&mut header);
        messages(header, b"")
    };
    for (sent, words) in [
        (vec![], "header"),
        (vec![chunk(b"id\n")], "header"),
        ([good(), good()].concat(), "first message"),
        ([good(), vec![ImportRequest::default()]].concat(), "first message"),
        (header(|header| header.model = String::new()), "is required"),
        (header(|header| header.model = "test.v1.Lable".into()), "did you mean test.v1.Label?"),
        (header(|header| header.format = 0), "FORMAT_NDJSON"),
        (header(|header| header.format = 9), "FORMAT_NDJSON"),
        (header(|header| header.on_error = 9), "ON_ERROR_SKIP"),
        (header(|header| header.on_conflict = 9), "ON_CONFLICT_REPLACE"),
        (header(|header| header.import_id = "a b".into()), "visible ASCII"),
        (header(|header| header.import_id = "x".repeat(129)), "visible ASCII"),
    ] {
        let status = send(&fixture, sent).await;
        assert_eq!(status.code(), Code::InvalidArgument, "{words}");
        assert!(status.message().to_lowercase().contains(&words.to_lowercase()), "{words}: {}", status.message());
    }
}

#[tokio::test]
async fn column_names_are_validated() {
    let fixture = Fixture::new().await;
    for (names, words) in [
        ("id,txet\n", "did you mean text?"),
        ("id,text,id\n", "twice"),
        ("id,,text\n", "line 1 must have the names"),
        ("\n\n\"id\n", "line 3"),
        ("id;text\na;b\n", "has semicolons between its names; separate them with commas"),
        ("id\ttext\n", "has tabs between its names"),
    ] {
        let status = import(&fixture, skipping("Label", Format::Csv), names.as_bytes()).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{names}");
        assert!(status.message().contains(words), "{names}: {}", status.message());
    }
    let rows = b"\xEF\xBB\xBFtext , id\r\n\"\",a\r\n,b\r\nx,c\r\nx,d,e\r\n\r\n\"x,\r\n\"\"y\",f\r\n";
    let report = import(&fixture, skipping("Label", Format::Csv), rows).await.unwrap();
    assert_eq!((counts(&report), errors(&report)), ([5, 4, 0, 0, 1], vec![(5, "", "csv")]));
    let found = fixture.call("Label", List, json!({})).await.unwrap();
    assert_eq!(found["labels"][3], json!({"id": "f", "text": "x,\r\n\"y"}));
}

#[tokio::test]
async fn output_of_postgresql_copy_is_accepted() {
    let fixture = Fixture::new().await;
    let rows = "a_bool,strings,some_bytes,a_timestamp\n\
        t,\"{a,\"\"b,c\"\"}\",\\x6869,2026-11-30 12:00:00.5+01\n\
        f,{},,\n\
        t,{NULL},,\n";
    let report = import(&fixture, skipping("Shapes", Format::Csv), rows.as_bytes()).await.unwrap();
    assert_eq!((counts(&report), errors(&report)), ([3, 2, 0, 0, 1], vec![(4, "strings", "csv")]));
    let found = fixture.call("Shapes", List, json!({"filter": "aBool"})).await.unwrap();
    let shapes = &found["allShapes"][0];
    assert_eq!(
        (&shapes["strings"], &shapes["someBytes"], &shapes["aTimestamp"]),
        (&json!(["a", "b,c"]), &json!("aGk="), &json!("2026-11-30T11:00:00.500Z"))
    );
}

#[tokio::test]
async fn cells_cannot_add_fields() {
    let fixture = Fixture::new().await;
    let rows = "a_bool,an_int32,some_bytes,a_struct,strings,maybe_string,a_color,a_timestamp,a_double\n\
        true,1,YQ==,\"{\"\"a\"\": 1}\",\"[\"\"x\"\"]\",\"\",COLOR_RED,2020-01-01T00:00:00Z,NaN\n\
        \"true,\"\"aString\"\":\"\"x\"\"\",,,,,,,,\n\
        ,,,\"{}, \"\"aString\"\": \"\"x\"\"\",,,,,\n\
        ,\"\",,,,,7,,\n\
        yes,,,,,,,,\n\
        ,1e400,,,,,,,\n";
    let report = import(&fixture, skipping("Shapes", Format::Csv), rows.as_bytes()).await.unwrap();
    assert_eq!(counts(&report), [6, 2, 0, 0, 4], "{:?}", report.errors);
    let fields: Vec<_> = report.errors.iter().map(|error| (error.line, error.field.as_str())).collect();
    assert_eq!(fields, [(3, "a_bool"), (4, "a_struct"), (6, "a_bool"), (7, "an_int32")]);
    let found = fixture.call("Shapes", List, json!({"filter": "has(maybe_string)"})).await.unwrap();
    assert_eq!(found["allShapes"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn malformed_bytes_are_invalid_rows() {
    let fixture = Fixture::new().await;
    let rows =
        b"{\"id\":\"a\"}\n{\"id\":\"b\",\"text\":\"\xFF\"}\n{\"id\":\"c\",\"text\":\"\xC3\xA9\"}\n{\"id\":\"d\",\"te";
    let report = import(&fixture, skipping("Label", Format::Ndjson), rows).await.unwrap();
    assert_eq!(counts(&report), [4, 2, 0, 0, 2]);
    assert_eq!((report.errors[0].line, report.errors[0].rule.as_str()), (2, "utf8"));
    assert!(report.errors[1].message.contains("truncated"), "{:?}", report.errors[1]);
    let utf16: Vec<u8> = "{\"id\":\"e\"}\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let status = import(&fixture, skipping("Label", Format::Ndjson), &utf16).await.unwrap_err();
    assert!(status.message().contains("UTF-16"), "{}", status.message());
    let cut = import(&fixture, skipping("Label", Format::Delimited), b"\x03\x0a\x01e\x05\x0a").await.unwrap();
    assert_eq!((counts(&cut), errors(&cut)), ([2, 1, 0, 0, 1], vec![(2, "", "framing")]));
}

#[tokio::test]
async fn row_without_end_names_its_line() {
    let fixture = Fixture::new().await;
    let mut rows = b"{\"id\":\"a\"}\n{\"id\":\"b\",\"text\":\"".to_vec();
    rows.resize(12 << 20, b'x');
    rows.extend_from_slice(b"\"}\n{\"id\":\"c\"}\n");
    let report = import(&fixture, skipping("Label", Format::Ndjson), &rows).await.unwrap();
    assert_eq!((counts(&report), errors(&report)), ([3, 2, 0, 0, 1], vec![(2, "", "row.max_bytes")]));
}

#[tokio::test]
async fn atomic_imports_have_size_limits() {
    let fixture = Fixture::new().await;
    let rows: String = (0..100_001).map(|at| format!("{{\"id\":\"l{at}\"}}\n")).collect();
    let status = import(&fixture, atomic("Label", Format::Ndjson), rows.as_bytes()).await.unwrap_err();
    assert_eq!(status.get_error_details().error_info().unwrap().reason, "TOO_LARGE");
    assert!(status.message().contains("ON_ERROR_SKIP"), "{}", status.message());
    assert_eq!(stored(&fixture, "label", "Label").await, (0, 0));
}

#[tokio::test]
async fn concurrent_imports_and_exports_are_limited() {
    let fixture = Fixture::new().await;
    let mut client = RecordsServiceClient::new(fixture.transport.clone());
    let mut running = Vec::new();
    for _ in 0..4 {
        let (sender, receiver) = tokio::sync::mpsc::channel(4);
        sender.send(messages(skipping("Label", Format::Csv), b"id\n").remove(0)).await.unwrap();
        let mut client = client.clone();
        let messages = tokio_stream::wrappers::ReceiverStream::new(receiver);
        running.push((sender, tokio::spawn(async move { client.import(messages).await })));
    }
    let request = ExportRequest { model: "test.v1.Label".into(), format: Format::Csv.into(), filter: String::new() };
    let begun = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle' AND query LIKE 'SET enable_hashjoin%'";
    while number(&fixture, begun).await < 4 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let refused = client.export(request.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(refused.get_error_details().error_info().unwrap().reason, "RATE_LIMITED");
    for (sender, call) in running {
        drop(sender);
        call.await.unwrap().unwrap();
    }
    client.export(request).await.unwrap();
}
