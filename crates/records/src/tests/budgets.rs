//! What one request may use, and what the process may hold, as the operations charge it.

use super::fixture::Fixture;
use crate::call::Call;
use crate::operations::{self, Place, write};
use groundplan_budget::{Allowance, Budget, DEFAULT, Memory, Resource};
use groundplan_codec::json;
use groundplan_error::{Error, Reason};
use groundplan_identity::Principal;
use groundplan_model::catalog::{MethodKind, Model};
use groundplan_operations::{AggregateQuery, Form, ListQuery, Operation, View, Write, Writes};
use groundplan_proto::query::v1::{Aggregation, Function};
use groundplan_proto::records::v1::import_request::Part;
use groundplan_proto::records::v1::records_service_client::RecordsServiceClient;
use groundplan_proto::records::v1::{ExportRequest, Format, ImportHeader, ImportRequest, OnError};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use tokio_stream::StreamExt as _;

/// All elements of a list against each other.
const NESTED: &str = "nums.all(a, nums.all(b, a + b >= 0))";

const MODELS: &str = r#"
syntax = "proto3";
package test.v1;
import "groundplan/model/v1/model.proto";

message Blob {
  option (groundplan.model.v1.model) = { history: { retention_days: 1 } };
  string id = 1;
  string name = 2;
  repeated int64 nums = 3;
  string text = 4;
}

message Pair {
  option (groundplan.model.v1.model) = {};
  string id = 1;
  repeated int64 nums = 2;
  bool positive = 3 [(groundplan.model.v1.field).computed = "nums.all(a, nums.all(b, a + b >= 0))"];
}
"#;

async fn fixture() -> Fixture {
    let fixture = Fixture::empty().await;
    fixture.apply(1, MODELS).await.unwrap();
    fixture
}

/// Creates a record, past any budget.
async fn create(fixture: &Fixture, model: &str, record: serde_json::Value) -> String {
    let name = model.to_lowercase();
    let created = fixture.call(model, MethodKind::Create, json!({name: record})).await.unwrap();
    created["id"].as_str().unwrap().to_owned()
}

/// A commit of one verification.
fn verification(model: &Arc<Model>, id: &str, condition: &str) -> Writes {
    let operation = Operation::Verify { id: id.to_owned(), etag: String::new(), is_missing: false };
    let write = Write { model: model.clone(), operation, condition: condition.to_owned() };
    Writes { list: vec![write], form: Form::Commit, ..Writes::default() }
}

fn with_budget<'a>(fixture: &'a Fixture, principal: &'a Principal, model: &str, budget: Budget) -> Call<'a> {
    Call { budget, ..fixture.operation(principal, model) }
}

#[tokio::test]
async fn a_condition_ends_by_the_steps_of_its_request_and_others_go_on() {
    let (fixture, root) = (fixture().await, Principal::root());
    let id = create(&fixture, "Blob", json!({"nums": (0..400).collect::<Vec<_>>()})).await;
    let model = fixture.model("Blob");
    let few = Budget::new(Allowance { steps: 50_000, ..DEFAULT }, None);
    let call = with_budget(&fixture, &root, "Blob", few);
    let error = write::write(&call, verification(&model, &id, NESTED)).await.unwrap_err();
    assert_eq!(error.reason(), Reason::BudgetExceeded);
    assert!(error.to_string().starts_with("writes[0]: "), "{error}");
    // A long one is evaluated apart from the runtime's threads, and its steps are charged.
    let call = with_budget(&fixture, &root, "Blob", Budget::default());
    write::write(&call, verification(&model, &id, NESTED)).await.unwrap();
    assert!(call.budget.spent(Resource::Steps) > 160_000);
    // So are those of a short one.
    let call = with_budget(&fixture, &root, "Blob", Budget::default());
    write::write(&call, verification(&model, &id, "size(nums) > 3")).await.unwrap();
    assert!((1..1_000).contains(&call.budget.spent(Resource::Steps)));
}

#[tokio::test]
async fn a_cancelled_request_evaluates_nothing_more() {
    let (fixture, root) = (fixture().await, Principal::root());
    let id = create(&fixture, "Blob", json!({"nums": (0..400).collect::<Vec<_>>()})).await;
    let call = with_budget(&fixture, &root, "Blob", Budget::default());
    drop(call.budget.cancel_on_drop());
    let error = write::write(&call, verification(&fixture.model("Blob"), &id, NESTED)).await.unwrap_err();
    assert_eq!(error.reason(), Reason::Cancelled);
}

#[tokio::test]
async fn computed_fields_end_by_the_steps_of_their_request() {
    let (fixture, root) = (fixture().await, Principal::root());
    let model = fixture.model("Pair");
    let text = json!({"nums": (0..400).collect::<Vec<_>>()}).to_string();
    let create = |budget: &Budget| {
        let record = json::decode(&model.shapes, model.shape, text.as_bytes(), budget).unwrap().record;
        Writes::single(&model, Operation::Create { record, local_ref: String::new() })
    };
    let few = Budget::new(Allowance { steps: 50_000, ..DEFAULT }, None);
    let writes = create(&few);
    let error = write::write(&with_budget(&fixture, &root, "Pair", few), writes).await.unwrap_err();
    assert_eq!(error.reason(), Reason::BudgetExceeded);
    let enough = Budget::default();
    let writes = create(&enough);
    write::write(&with_budget(&fixture, &root, "Pair", enough), writes).await.unwrap();
}

#[tokio::test]
async fn rows_are_held_in_the_processs_memory_and_counted() {
    let (fixture, root) = (fixture().await, Principal::root());
    for at in 0..20 {
        create(&fixture, "Blob", json!({"name": format!("b{at}"), "text": "x".repeat(10_000)})).await;
    }
    let memory = Memory::new(300_000);
    let for_request = |allowance| Budget::for_request(allowance, &memory, None);
    let call = with_budget(&fixture, &root, "Blob", for_request(DEFAULT));
    let query = |page_size| ListQuery { page_size, ..ListQuery::default() };
    let page = operations::list(&call, &query(10), None).await.unwrap();
    assert_eq!(page.records.len(), 10);
    assert!(memory.used() > 150_000, "{}", memory.used());
    let other = with_budget(&fixture, &root, "Blob", for_request(DEFAULT));
    assert_eq!(operations::list(&other, &query(10), None).await.unwrap_err().reason(), Reason::MemoryExhausted);
    drop((call, other));
    assert_eq!(memory.used(), 0);
    let few = with_budget(&fixture, &root, "Blob", for_request(Allowance { rows: 5, ..DEFAULT }));
    assert_eq!(operations::list(&few, &query(10), None).await.unwrap_err().reason(), Reason::BudgetExceeded);
    let ids: Vec<String> = page.records.iter().map(|stored| id_of(&fixture, stored)).collect();
    let get = operations::batch_get(&few, &ids, &View::default(), Place::Ids).await;
    assert_eq!(get.unwrap_err().reason(), Reason::BudgetExceeded);
}

fn id_of(fixture: &Fixture, stored: &groundplan_codec::Stored) -> String {
    let model = fixture.model("Blob");
    match stored.record.get(model.roles.id) {
        Some(groundplan_codec::Value::String(id)) => id.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_refused_before_anything_is_written() {
    let fixture = fixture().await;
    let mut requests = Vec::new();
    for at in 0..6 {
        let id = create(&fixture, "Blob", json!({"name": format!("b{at}"), "text": "x".repeat(900_000)})).await;
        requests.push(json!({"blob": {"id": id, "name": "changed"}, "updateMask": "name"}));
    }
    let inserted = "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn";
    let wal = async || {
        use groundplan_chassis::database::Columns as _;
        fixture.query(&format!("SELECT ({inserted})::bigint")).await[0].i64(0).unwrap().unwrap()
    };
    let before = wal().await;
    let status = fixture.call("Blob", MethodKind::BatchUpdate, json!({"requests": requests})).await.unwrap_err();
    assert!(status.message().contains("nothing was written"), "{status:?}");
    // The rows have 5 MB, and their locks some hundreds of bytes.
    assert!(wal().await - before < 1 << 20);
}

#[tokio::test]
async fn an_aggregate_beyond_its_limit_leaves_its_connection_as_good_as_new() {
    let fixture = Fixture::with_connections(1).await;
    fixture.apply(1, MODELS).await.unwrap();
    let rows =
        "INSERT INTO test_v1.blob (_tenant, _version, id, name) SELECT 'default', 1, gen_random_uuid(), at::text";
    fixture.query(&format!("{rows} FROM generate_series(1, 1500) AS at")).await;
    let root = Principal::root();
    let call = fixture.operation(&root, "Blob");
    let count = Aggregation { function: Function::Count.into(), ..Aggregation::default() };
    let query =
        AggregateQuery { group_by: vec!["name".into()], aggregations: vec![count], ..AggregateQuery::default() };
    for _ in 0..3 {
        let error = operations::aggregate(&call, &query).await.unwrap_err();
        assert_eq!(error.reason(), Reason::AnswerTooLarge);
        let page = operations::list(&call, &ListQuery::default(), None).await.unwrap();
        assert_eq!(page.records.len(), 50);
    }
}

/// Waits for what would hang if it needed a second connection.
async fn soon<T>(what: &str, work: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(60), work).await.unwrap_or_else(|_| panic!("{what} waits for a second connection"))
}

#[tokio::test]
async fn one_connection_is_enough_for_every_call() {
    let fixture = Fixture::with_connections(1).await;
    soon("an apply", fixture.apply(1, MODELS)).await.unwrap();
    let id = soon("a creation", create(&fixture, "Blob", json!({"name": "a", "nums": [1, 2]}))).await;
    let root = Principal::root();
    let model = fixture.model("Blob");
    let call = fixture.operation(&root, "Blob");
    soon("a commit", write::write(&call, verification(&model, &id, NESTED))).await.unwrap();
    let query = ListQuery { count: groundplan_proto::query::v1::Count::Estimated, ..ListQuery::default() };
    soon("a list", operations::list(&call, &query, None)).await.unwrap();
    let batch = json!({"requests": [{"blob": {"id": id, "name": "b"}, "updateMask": "name"}]});
    soon("a batch", fixture.call("Blob", MethodKind::BatchUpdate, batch)).await.unwrap();
    let rows: String = (0..3_000).map(|at| format!("{{\"name\":\"row {at}\"}}\n")).collect();
    soon("an import", import(&fixture, rows)).await.unwrap();
    assert_eq!(soon("an export", export(&fixture)).await.unwrap(), 3_001);
    let history = async {
        loop {
            let copied = fixture.query("SELECT count(*) FROM groundplan_records.history").await;
            use groundplan_chassis::database::Columns as _;
            if copied[0].i64(0).unwrap() >= Some(3_002) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    soon("the history", history).await;
    let query = groundplan_operations::HistoryQuery::default();
    let revisions = operations::list_revisions(&call, &id, &query);
    assert_eq!(soon("revisions", revisions).await.unwrap().revisions.len(), 2);
}

async fn import(fixture: &Fixture, rows: String) -> Result<(), Error> {
    let header = ImportHeader {
        model: "test.v1.Blob".into(),
        format: Format::Ndjson.into(),
        on_error: OnError::Skip.into(),
        ..ImportHeader::default()
    };
    let parts = [Part::Header(header), Part::Chunk(rows.into_bytes())];
    let messages = parts.map(|part| ImportRequest { part: Some(part) });
    let mut client = RecordsServiceClient::new(fixture.transport.clone());
    client.import(tokio_stream::iter(messages)).await.map(drop).map_err(Error::internal)
}

async fn export(fixture: &Fixture) -> Result<i64, Error> {
    let request = ExportRequest { model: "test.v1.Blob".into(), format: Format::Ndjson.into(), ..Default::default() };
    let mut client = RecordsServiceClient::new(fixture.transport.clone());
    let mut messages = client.export(request).await.map_err(Error::internal)?.into_inner();
    let mut records = 0;
    while let Some(message) = messages.next().await {
        records = message.map_err(Error::internal)?.summary.map_or(records, |summary| summary.records);
    }
    Ok(records)
}

#[tokio::test]
async fn transfers_hold_the_processs_memory_and_give_it_back() {
    let fixture = fixture().await;
    let held = fixture.records.memory().hold(fixture.records.memory().limit()).unwrap();
    let refused = export(&fixture).await.unwrap_err();
    assert!(refused.log_text().contains("GROUNDPLAN_MEMORY"), "{}", refused.log_text());
    assert!(import(&fixture, "{}\n".into()).await.unwrap_err().log_text().contains("GROUNDPLAN_MEMORY"));
    drop(held);
    import(&fixture, "{}\n".into()).await.unwrap();
    assert_eq!(export(&fixture).await.unwrap(), 1);
    assert_eq!(fixture.records.memory().used(), 0);
}
