//! References between records: what is written, what is deleted with what, and what happens when both meet.

mod deletes;
mod races;
mod writes;

use super::fixture::Fixture;
use groundplan_chassis::database::Columns;
use groundplan_codec::{Stored, json as codec};
use groundplan_error::Error;
use groundplan_identity::Caller;
use groundplan_identity::Principal;
use groundplan_model::catalog::MethodKind::{Create, Delete, Get};
use groundplan_model::catalog::Model;
use groundplan_operations::{Backend, Included, View};
use serde_json::{Value, json};
use tonic::Status;
use tonic_types::StatusExt;

/// The service with models that refer to each other.
pub(super) async fn library() -> Fixture {
    let fixture = Fixture::empty().await;
    fixture.apply(1, include_str!("relations/library.proto")).await.unwrap();
    fixture
}

impl Fixture {
    /// Creates a record and gives its id.
    pub(super) async fn make(&self, model: &str, record: Value) -> String {
        self.create(model, record).await.unwrap()["id"].as_str().unwrap().to_owned()
    }

    pub(super) async fn create(&self, model: &str, record: Value) -> Result<Value, Status> {
        let field = self.model(model).singular_field.clone();
        self.call(model, Create, json!({ field: record })).await
    }

    pub(super) async fn delete(&self, model: &str, id: &str) -> Result<(), Status> {
        self.call(model, Delete, json!({ "id": id })).await.map(drop)
    }

    pub(super) async fn read(&self, model: &str, id: &str) -> Result<Value, Status> {
        self.call(model, Get, json!({ "id": id })).await
    }

    /// How many records a model has.
    pub(super) async fn count(&self, model: &str) -> i64 {
        let table = self.model(model).table.name.clone();
        self.query(&format!("SELECT count(*) FROM test_v1.{table}")).await[0].i64(0).unwrap().unwrap()
    }

    pub(super) async fn get_view(&self, model: &str, id: &str, view: &View) -> Result<(Value, Included), Error> {
        let model = self.model(model);
        let (stored, included) = self.records.get(&Caller::from(Principal::root()), &model, id, view, None).await?;
        Ok((shown(&model, &stored), included))
    }

    pub(super) async fn batch(
        &self,
        model: &str,
        ids: &[String],
        view: &View,
    ) -> Result<(Vec<Value>, Included), Error> {
        let model = self.model(model);
        let (records, included) = self.records.batch_get(&Caller::from(Principal::root()), &model, ids, view).await?;
        Ok((records.iter().map(|stored| shown(&model, stored)).collect(), included))
    }
}

/// A record as JSON, without what is zero.
pub(super) fn shown(model: &Model, stored: &Stored) -> Value {
    let mut text = Vec::new();
    codec::encode(&model.shapes, model.shape, &stored.record, &mut text);
    let Value::Object(mut members) = serde_json::from_slice(&text).unwrap() else { panic!("a record is an object") };
    members.retain(|_, value| value != &json!("") && !value.is_null());
    Value::Object(members)
}

/// What is included, by model, as JSON.
pub(super) fn related(included: &Included) -> Value {
    let models = included.records.iter().map(|(model, records)| {
        (model.full_name.clone(), records.iter().map(|stored| shown(model, stored)).collect::<Value>())
    });
    Value::Object(models.collect())
}

pub(super) fn expanding(paths: &[&str]) -> View {
    View { read_mask: Vec::new(), expand: texts(paths) }
}

pub(super) fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn reason(status: &Status) -> String {
    status.get_error_details().error_info().unwrap().reason.clone()
}

/// Returns the fields that an error names, with their descriptions.
fn violations(status: &Status) -> Vec<(String, String)> {
    let details = status.get_error_details();
    let violations = &details.bad_request().unwrap().field_violations;
    violations.iter().map(|violation| (violation.field.clone(), violation.description.clone())).collect()
}
