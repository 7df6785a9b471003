use super::super::fixture::Fixture;
use super::super::round_trip::arbitrary;
use super::{atomic, counts, export, import, replacing, skipping};
use groundplan_codec::{Record, wire};
use groundplan_model::catalog::Model;
use groundplan_proto::records::v1::records_service_client::RecordsServiceClient;
use groundplan_proto::records::v1::{ExportRequest, Format};
use prost::encoding::encode_varint;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio_stream::StreamExt as _;
use tonic::Code;
use uuid::Uuid;

const FORMATS: [Format; 3] = [Format::Ndjson, Format::Csv, Format::Delimited];

fn delimited(model: &Model, record: &Record) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_varint(wire::encoded_len(&model.shapes, model.shape, record) as u64, &mut bytes);
    wire::encode(&model.shapes, model.shape, record, &mut bytes);
    bytes
}

#[tokio::test]
async fn exported_records_are_imported_unchanged() {
    let fixture = Fixture::new().await;
    let model = fixture.model("Shapes");
    let mut random = StdRng::seed_from_u64(14);
    let mut records: Vec<Record> =
        arbitrary::EDGES.iter().map(|edge| arbitrary::edge(&model.shapes, model.shape, *edge)).collect();
    for _ in 0..120 {
        records.push(arbitrary::record(&mut random, &model.shapes, model.shape, 0));
    }
    let mut rows = Vec::new();
    for record in &mut records {
        record.set(model.roles.id, Some(groundplan_codec::Value::String(Uuid::now_v7().to_string())));
        rows.extend(delimited(&model, record));
    }
    let report = import(&fixture, atomic("Shapes", Format::Delimited), &rows).await.unwrap();
    assert_eq!(counts(&report), [132, 132, 0, 0, 0], "{:?}", report.errors);
    let expected = export(&fixture, "Shapes", Format::Delimited, "").await.unwrap();
    assert_eq!(expected.1, 132);
    for format in FORMATS {
        let (bytes, _) = export(&fixture, "Shapes", format, "").await.unwrap();
        fixture.query("DELETE FROM test_v1.shapes").await;
        for header in [skipping("Shapes", format), replacing("Shapes", format)] {
            let report = import(&fixture, header, &bytes).await.unwrap();
            assert_eq!(report.read, report.created + report.replaced, "{format:?}: {:?}", report.errors);
            let again = export(&fixture, "Shapes", Format::Delimited, "").await.unwrap();
            assert_eq!(again, expected, "{format:?}");
        }
    }
}

#[tokio::test]
async fn export_applies_its_filter() {
    let fixture = Fixture::new().await;
    let rows = b"title,rank,password,computed\r\n\"a \"\"b\"\"\",1,secret,x\r\nc,2,,\r\n";
    import(&fixture, skipping("Item", Format::Csv), rows).await.unwrap();
    let (bytes, records) = export(&fixture, "Item", Format::Csv, "rank < 2").await.unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let mut lines = text.split("\r\n");
    let names = "id,title,code,rank,kind,computed,password,etag,part,created_at,updated_at";
    assert_eq!((records, lines.next()), (1, Some(names)));
    let line = lines.next().unwrap();
    let (_, cells) = line.split_once(',').unwrap();
    assert!(cells.starts_with("\"a \"\"b\"\"\",,1,,x,,"), "{line}");
    assert_eq!((lines.next(), lines.next()), (Some(""), None));
    for format in FORMATS {
        let (bytes, records) = export(&fixture, "Item", format, "rank > 2").await.unwrap();
        assert_eq!((bytes.is_empty(), records), (format != Format::Csv, 0));
    }
    let wrong = export(&fixture, "Item", Format::Csv, "rank >").await.unwrap_err();
    assert_eq!(wrong.code(), Code::InvalidArgument);
    let wrong = export(&fixture, "Itme", Format::Csv, "").await.unwrap_err();
    assert!(wrong.message().contains("did you mean test.v1.Item?"), "{}", wrong.message());
}

#[tokio::test]
async fn export_reads_one_snapshot() {
    let fixture = Fixture::new().await;
    let text = "x".repeat(1_000);
    let rows: String = (0..10_000).map(|at| format!("{{\"id\":\"l{at:05}\",\"text\":\"{text}\"}}\n")).collect();
    import(&fixture, skipping("Label", Format::Ndjson), rows.as_bytes()).await.unwrap();
    let mut client = RecordsServiceClient::new(fixture.transport.clone());
    let request = ExportRequest { model: "test.v1.Label".into(), format: Format::Ndjson.into(), filter: String::new() };
    let mut messages = client.export(request).await.unwrap().into_inner();
    let first = messages.next().await.unwrap().unwrap().chunk;
    assert!(first.len() < 300_000, "{}", first.len());
    fixture.query("UPDATE test_v1.label SET text = 'changed'").await;
    fixture.query("DELETE FROM test_v1.label WHERE id > 'l05000'").await;
    let mut bytes = first;
    while let Some(message) = messages.next().await {
        bytes.extend(message.unwrap().chunk);
    }
    assert!(bytes == rows.as_bytes(), "the export contains later writes");
}
