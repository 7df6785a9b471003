//! Writes that are more than one statement: batches, commits, request ids, soft deletion, expiry.

mod batches;
mod commits;
mod lives;
mod purges;
mod repeats;
mod together;
mod unchanged;
mod upserts;

use super::fixture::Fixture;
use groundplan_proto::records::v1::records_service_client::RecordsServiceClient;
use groundplan_proto::records::v1::{CommitRequest, CommitResponse};
use serde_json::{Value, json};
use tonic::Status;
use tonic_types::StatusExt as _;

const MODELS: &str = include_str!("writes.proto");

async fn fixture() -> Fixture {
    let fixture = Fixture::empty().await;
    fixture.apply(1, MODELS).await.unwrap();
    fixture
}

async fn commit(fixture: &Fixture, request: CommitRequest) -> Result<CommitResponse, Status> {
    let mut client = RecordsServiceClient::new(fixture.transport.clone());
    client.commit(request).await.map(tonic::Response::into_inner)
}

/// Returns the reason of an error, and the fields that it names.
fn refusal(status: &Status) -> (String, Vec<String>) {
    let details = status.get_error_details();
    let fields = details.bad_request().map(|bad| bad.field_violations.iter().map(|one| one.field.clone()).collect());
    (details.error_info().map(|info| info.reason.clone()).unwrap_or_default(), fields.unwrap_or_default())
}

/// How many rows a table has.
async fn count(fixture: &Fixture, table: &str) -> i64 {
    use groundplan_chassis::database::Columns as _;
    fixture.query(&format!("SELECT count(*) FROM {table}")).await[0].i64(0).unwrap().unwrap()
}

fn items(ids: impl IntoIterator<Item = usize>) -> Vec<Value> {
    ids.into_iter().map(|at| json!({"item": {"id": format!("i{at}"), "code": format!("c{at}")}})).collect()
}
