//! Imports and exports through gRPC.

mod conflicts;
mod identity;
mod input;
mod loaded;
mod resumed;

use super::fixture::Fixture;
use groundplan_chassis::database::Columns as _;
use groundplan_proto::records::v1::import_request::Part;
use groundplan_proto::records::v1::records_service_client::RecordsServiceClient;
use groundplan_proto::records::v1::{
    ExportRequest, Format, ImportHeader, ImportRequest, ImportResponse, OnConflict, OnError,
};
use tokio_stream::StreamExt as _;
use tonic::Status;

/// Returns a header that skips invalid rows.
fn skipping(model: &str, format: Format) -> ImportHeader {
    ImportHeader {
        model: format!("test.v1.{model}"),
        format: format.into(),
        on_error: OnError::Skip.into(),
        ..ImportHeader::default()
    }
}

fn replacing(model: &str, format: Format) -> ImportHeader {
    ImportHeader { on_conflict: OnConflict::Replace.into(), ..skipping(model, format) }
}

/// Returns the header of an atomic import.
fn atomic(model: &str, format: Format) -> ImportHeader {
    ImportHeader { on_error: OnError::Abort.into(), ..skipping(model, format) }
}

fn messages(header: ImportHeader, bytes: &[u8]) -> Vec<ImportRequest> {
    let header = ImportRequest { part: Some(Part::Header(header)) };
    let chunks = bytes.chunks(50_000).map(|chunk| ImportRequest { part: Some(Part::Chunk(chunk.to_vec())) });
    std::iter::once(header).chain(chunks).collect()
}

async fn import(fixture: &Fixture, header: ImportHeader, bytes: &[u8]) -> Result<ImportResponse, Status> {
    let mut client = RecordsServiceClient::new(fixture.transport.clone());
    let messages = tokio_stream::iter(messages(header, bytes));
    client.import(messages).await.map(tonic::Response::into_inner)
}

/// Returns the bytes of an export, and the number of records in its summary.
async fn export(fixture: &Fixture, model: &str, format: Format, filter: &str) -> Result<(Vec<u8>, i64), Status> {
    let mut client = RecordsServiceClient::new(fixture.transport.clone());
    let (model, filter) = (format!("test.v1.{model}"), filter.to_owned());
    let mut messages = client.export(ExportRequest { model, format: format.into(), filter }).await?.into_inner();
    let (mut bytes, mut summary) = (Vec::new(), None);
    while let Some(message) = messages.next().await {
        let message = message?;
        assert!(summary.is_none(), "a message after the summary");
        bytes.extend(message.chunk);
        summary = message.summary;
    }
    Ok((bytes, summary.unwrap().records))
}

/// Returns the numbers of rows: read, created, replaced, skipped, failed.
fn counts(response: &ImportResponse) -> [i64; 5] {
    [response.read, response.created, response.replaced, response.skipped, response.failed]
}

/// Returns the lines, fields and rules of the errors.
fn errors(response: &ImportResponse) -> Vec<(i64, &str, &str)> {
    response.errors.iter().map(|error| (error.line, error.field.as_str(), error.rule.as_str())).collect()
}

/// Returns the value of a query.
async fn number(fixture: &Fixture, sql: &str) -> i64 {
    fixture.query(sql).await[0].i64(0).unwrap().unwrap()
}

/// Returns the number of records of a table, and of their events in the log.
async fn stored(fixture: &Fixture, table: &str, model: &str) -> (i64, i64) {
    let events = format!("SELECT count(*) FROM events WHERE topic = 'test.v1.{model}'");
    (number(fixture, &format!("SELECT count(*) FROM test_v1.{table}")).await, number(fixture, &events).await)
}
