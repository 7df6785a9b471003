//! Commits: writes of any models in one transaction.

use crate::batches::update;
use crate::queries::library;
use crate::writes::written;
use groundplan_codec::Value;
use groundplan_codec::mask::UpdateMask;
use groundplan_operations::{Form, Operation, Transforms, Write};
use serde_json::json;

#[tokio::test]
async fn every_kind_of_write_reaches_the_backend() {
    let (client, memory) = library().await;
    let body = r#"{"writes":[
        {"create":{"localRef":"a","record":{"name":"U","@type":"type.googleapis.com/library.v1.Author","id":"new"}}},
        {"update":{"record":{"@type":"library.v1.Book","id":"b1","authorId":"$a"},"etag":"a","allowMissing":true},
         "condition":"pages >= 3"},
        {"delete":{"model":"library.v1.Book","id":"b2","etag":"a","allowMissing":true}},
        {"undelete":{"model":"library.v1.Book","id":"b3","etag":"a"},"verify":null},
        {"verify":{"model":"library.v1.Book","id":"none","missing":true}},
        {"verify":{"model":"library.v1.Book","id":"b3","etag":"b"}}
    ],"requestId":"r","isolation":"ISOLATION_SERIALIZABLE"}"#;
    let answer = client.send("POST /api:commit", &[], body).await;
    assert_eq!(answer.status, 200, "{:?}", answer.bytes);
    let data = answer.json()["data"].clone();
    assert_eq!((&data["attempts"], data["results"].as_array().unwrap().len()), (&json!(1), 6));
    assert_eq!(
        data["results"][0],
        json!({ "record": { "@type": "type.googleapis.com/library.v1.Author", "id": "new", "name": "U" }, "etag": "a" })
    );
    assert_eq!(data["results"][1]["record"]["authorId"], "$a");
    assert_eq!((&data["results"][2], &data["results"][4], &data["results"][5]), (&json!({}), &json!({}), &json!({})));
    let writes = written(&memory);
    assert_eq!((writes.form, writes.request_id.as_str()), (Form::Commit, "r"));
    assert!(writes.is_serializable && !writes.validate_only);
    let operations: Vec<&Operation> = writes.list.iter().map(|write| &write.operation).collect();
    let Operation::Create { record, local_ref } = operations[0] else { panic!() };
    let author = &writes.list[0].model;
    assert_eq!((author.full_name.as_str(), local_ref.as_str()), ("library.v1.Author", "a"));
    assert_eq!(record.get(author.roles.id), Some(&Value::String("new".into())));
    assert_eq!((writes.list[0].condition.as_str(), writes.list[1].condition.as_str()), ("", "pages >= 3"));
    let (_, etag, allow_missing) = update(&writes.list[1]);
    assert_eq!((etag, allow_missing), ("a", true));
    let text = |text: &str| text.to_owned();
    assert_eq!(operations[2], &Operation::Delete { id: text("b2"), etag: text("a"), allow_missing: true });
    assert_eq!(operations[3], &Operation::Undelete { id: text("b3"), etag: text("a") });
    assert_eq!(operations[4], &Operation::Verify { id: text("none"), etag: text(""), is_missing: true });
    assert_eq!(operations[5], &Operation::Verify { id: text("b3"), etag: text("b"), is_missing: false });
}

#[tokio::test]
async fn an_update_changes_the_present_fields_that_no_transform_names() {
    let (client, memory) = library().await;
    let sent = async |update: &str| -> (Write, Vec<String>) {
        let body = format!(r#"{{"writes":[{{"update":{update}}}],"validateOnly":true}}"#);
        let answer = client.send("POST /api:commit", &[], body).await;
        assert_eq!(answer.status, 200, "{update}: {:?}", answer.bytes);
        let write = written(&memory).list.remove(0);
        let UpdateMask::Paths(paths) = self::update(&write).0 else { panic!("{write:?}") };
        let name = |path: &groundplan_codec::mask::Path| {
            let first = write.model.shape().field(path.steps()[0]);
            format!("{}{}", first.name, if path.steps().len() > 1 { ".…" } else { "" })
        };
        let names = paths.iter().map(name).collect();
        (write, names)
    };
    let book = r#""@type":"library.v1.Book","id":"b1","#;
    let (_, names) = sent(&format!(r#"{{"record":{{{book}"title":null,"pages":3}}}}"#)).await;
    assert_eq!(names, ["title", "pages"]);
    let (write, names) = sent(&format!(
        r#"{{"record":{{{book}"title":"x","pages":3,"secret":"s"}},"increment":"pages","maximum":["secret"]}}"#
    ))
    .await;
    assert_eq!(names, ["title"]);
    let Operation::Update { transforms, .. } = &write.operation else { panic!() };
    let expected =
        Transforms { increment: vec!["pages".into()], maximum: vec!["secret".into()], ..Transforms::default() };
    assert_eq!(transforms, &expected);
    let (_, names) = sent(&format!(r#"{{"record":{{{book}"pages":3}},"increment":"pages"}}"#)).await;
    assert!(names.is_empty(), "{names:?}");
    let (_, names) = sent(&format!(r#"{{"record":{{{book}"pages":3,"title":"x"}},"updateMask":"title"}}"#)).await;
    assert_eq!(names, ["title"]);
    let author = r#""@type":"library.v1.Author","id":"le-guin","name":"U","born":{"year":1,"place":"p"}"#;
    let (write, names) = sent(&format!(r#"{{"record":{{{author}}},"increment":"born.year"}}"#)).await;
    assert_eq!(names, ["name", "born.…"]);
    let place =
        UpdateMask::parse(&write.model.shapes, write.model.shape, &["born.place".into(), "name".into()]).unwrap();
    assert_eq!(self::update(&write).0, &place);
    let (_, names) = sent(&format!(r#"{{"record":{{{author}}}}}"#)).await;
    assert_eq!(names, ["name", "born"]);
    let (write, _) = sent(&format!(
        r#"{{"record":{{{book}"pages":3}},"append":"a","remove":"b,c","minimum":["d"],"server_time":"e"}}"#
    ))
    .await;
    let Operation::Update { transforms, .. } = &write.operation else { panic!() };
    let list = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    assert_eq!((&transforms.append, &transforms.remove), (&list(&["a"]), &list(&["b", "c"])));
    assert_eq!((&transforms.minimum, &transforms.server_time), (&list(&["d"]), &list(&["e"])));
}

#[tokio::test]
async fn a_commit_has_write_options() {
    let (client, memory) = library().await;
    let writes = r#""writes":[{"verify":{"model":"library.v1.Book","id":"b1"}}]"#;
    for (isolation, is_serializable) in [
        ("null", false),
        ("\"ISOLATION_READ_COMMITTED\"", false),
        ("\"READ_COMMITTED\"", false),
        ("\"SERIALIZABLE\"", true),
    ] {
        let body = format!(r#"{{{writes},"isolation":{isolation},"validate_only":true}}"#);
        assert_eq!(client.send("POST /api:commit", &["idempotency-key: \"k\""], body).await.status, 200);
        let found = written(&memory);
        assert_eq!((found.is_serializable, found.validate_only), (is_serializable, true), "{isolation}");
        assert_eq!(found.request_id, "k");
    }
    memory.answer(|answers| answers.is_repeat = true);
    let repeat = client.send("POST /api:commit", &[], format!("{{{writes}}}")).await;
    assert_eq!((repeat.status.as_u16(), repeat.header("idempotency-replayed")), (200, "true"));
    assert_eq!(repeat.header("groundplan-revision"), "0");
}

#[tokio::test]
async fn an_error_of_one_write_fails_the_commit() {
    let (client, _) = library().await;
    let gone = r#"{"writes":[{"delete":{"model":"library.v1.Book","id":"b1"}},{"verify":{"model":"library.v1.Book","id":"none"}}]}"#;
    let answer = client.send("POST /api:commit", &[], gone).await;
    assert_eq!((answer.status.as_u16(), answer.error().0.as_str()), (404, "NOT_FOUND"));
    assert_eq!(client.send("GET /api/v1/books/b1", &[], "").await.status, 200);
    let stale = r#"{"writes":[{"delete":{"model":"library.v1.Book","id":"b1","etag":"9"}}]}"#;
    assert_eq!(client.send("POST /api:commit", &[], stale).await.status, 409);
}
