//! Batch writes of records of one model.

use crate::queries::library;
use crate::writes::written;
use groundplan_codec::Value;
use groundplan_codec::mask::UpdateMask;
use groundplan_model::catalog::Model;
use groundplan_operations::{Form, Operation, Transforms, Write};
use serde_json::json;

#[cfg(test)]
fn mask(model: &Model, paths: &[&str]) -> UpdateMask {
    let paths: Vec<String> = paths.iter().map(|&path| path.to_owned()).collect();
    UpdateMask::parse(&model.shapes, model.shape, &paths).unwrap()
}

/// The mask, the etag and `allow_missing`.
#[cfg(test)]
pub(crate) fn update(write: &Write) -> (&UpdateMask, &str, bool) {
    let Operation::Update { mask, etag, allow_missing, .. } = &write.operation else { panic!("{write:?}") };
    (mask, etag, *allow_missing)
}

#[tokio::test]
async fn batch_create_creates_records() {
    let (client, memory) = library().await;
    let body = r#"{"requests":[{"book":{"id":"x","title":"1"}},{"book":{"id":"y"},"requestId":"","validateOnly":false}],
        "requestId":"r","validateOnly":false}"#;
    let answer = client.send("POST /api/v1/books:batchCreate", &[], body).await;
    let book = |id: &str, title: &str| json!({ "id": id, "title": title, "pages": 0, "authorId": "", "publisher": "", "secret": "" });
    assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({ "data": [book("x", "1"), book("y", "")] })));
    let writes = written(&memory);
    assert_eq!((writes.form, writes.request_id.as_str(), writes.list.len()), (Form::Batch, "r", 2));
    assert!(!writes.validate_only && !writes.is_serializable);
    let Write { model, operation: Operation::Create { record, local_ref }, condition } = &writes.list[1] else {
        panic!()
    };
    assert_eq!((model.full_name.as_str(), local_ref.as_str(), condition.as_str()), ("library.v1.Book", "", ""));
    assert_eq!(record.get(model.roles.id), Some(&Value::String("y".into())));
}

#[tokio::test]
async fn batch_update_updates_records() {
    let (client, memory) = library().await;
    let body = r#"{"requests":[
        {"book":{"id":"b1","title":null,"pages":1}},
        {"book":{"id":"b2","title":"new","pages":2},"updateMask":"pages,authorId"},
        {"book":{"id":"b3","secret":"s"},"update_mask":["secret"],"etag":"a","allowMissing":false},
        {"book":{"id":"b4"},"updateMask":"*","allowMissing":true},
        {"book":{"id":"b1"},"updateMask":"","etag":null}
    ]}"#;
    let answer = client.send("POST /api/v1/books:batchUpdate", &["idempotency-key: \"k\""], body).await;
    assert_eq!(answer.status, 200, "{:?}", answer.bytes);
    let data = answer.json()["data"].clone();
    assert_eq!((&data[0]["title"], &data[1]["pages"], &data[1]["title"]), (&json!(""), &json!(2), &json!("Lavinia")));
    assert_eq!((&data[2]["secret"], &data[3]["id"], data.as_array().unwrap().len()), (&json!("s"), &json!("b4"), 5));
    let writes = written(&memory);
    let model = writes.list[0].model.clone();
    assert_eq!((writes.request_id.as_str(), writes.form), ("k", Form::Batch));
    assert_eq!(update(&writes.list[0]), (&mask(&model, &["title", "pages"]), "", false));
    assert_eq!(update(&writes.list[1]), (&mask(&model, &["pages", "author_id"]), "", false));
    assert_eq!(update(&writes.list[2]), (&mask(&model, &["secret"]), "a", false));
    assert_eq!(update(&writes.list[3]), (&UpdateMask::All, "", true));
    assert_eq!(update(&writes.list[4]), (&UpdateMask::Paths(Vec::new()), "", false));
    let Operation::Update { id, transforms, .. } = &writes.list[3].operation else { panic!() };
    assert_eq!((id.as_str(), transforms), ("b4", &Transforms::default()));
}

#[tokio::test]
async fn batch_delete_deletes_records() {
    let (client, memory) = library().await;
    let body = r#"{"requests":[{"id":"b1","etag":"a"},{"id":"none","allowMissing":true}],"validate_only":true}"#;
    let answer = client.send("POST /api/v1/books:batchDelete", &[], body).await;
    assert_eq!((answer.status.as_u16(), answer.bytes.len()), (204, 0));
    let writes = written(&memory);
    let delete =
        |id: &str, etag: &str, allow_missing| Operation::Delete { id: id.into(), etag: etag.into(), allow_missing };
    assert_eq!((&writes.list[0].operation, writes.validate_only), (&delete("b1", "a", false), true));
    assert_eq!(writes.list[1].operation, delete("none", "", true));
    let missing = client.send("POST /api/v1/books:batchDelete", &[], r#"{"requests":[{"id":"none"}]}"#).await;
    assert_eq!((missing.status.as_u16(), missing.error().0.as_str()), (404, "NOT_FOUND"));
    let stale = client.send("POST /api/v1/books:batchDelete", &[], r#"{"requests":[{"id":"b1","etag":"9"}]}"#).await;
    assert_eq!((stale.status.as_u16(), stale.error().0.as_str()), (409, "CONFLICT"));
}

#[tokio::test]
async fn repeated_batches_are_marked_as_replayed() {
    for (method, request, status) in [
        ("batchCreate", r#"{"book":{"id":"x"}}"#, 200),
        ("batchUpdate", r#"{"book":{"id":"b1"}}"#, 200),
        ("batchDelete", r#"{"id":"b1"}"#, 204),
    ] {
        let (client, memory) = library().await;
        memory.answer(|answers| answers.is_repeat = true);
        let body = format!(r#"{{"requests":[{request}],"requestId":"r"}}"#);
        let answer = client.send(&format!("POST /api/v1/books:{method}"), &["idempotency-key: r"], body).await;
        assert_eq!((answer.status.as_u16(), answer.header("idempotency-replayed")), (status, "true"), "{method}");
    }
}
