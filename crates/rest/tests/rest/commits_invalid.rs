//! Invalid commits: each error has the field path, and nothing reaches the backend.

use crate::queries::library;

#[tokio::test]
async fn invalid_commits_are_rejected_with_the_field_path() {
    let (client, memory) = library().await;
    let asked = memory.questions();
    let kind = "must have one of create, update, delete, undelete, verify";
    for (writes, message) in [
        ("", "\"writes\" must have from 1 to 1000 elements, not 0".to_owned()),
        ("{}", format!("\"writes[0]\" {kind}")),
        (r#"{"create":null,"condition":"true"}"#, format!("\"writes[0]\" {kind}")),
        (
            r#"{"verify":{},"delete":{}}"#,
            "\"writes[0].delete\" cannot be sent together with verify; send two writes".into(),
        ),
        (r#"{"upsert":{}}"#, "\"writes[0].upsert\" is not a known key; these are: create, update, delete, undelete, verify, condition".into()),
        (r#"{"delete":[]}"#, "\"writes[0].delete\" must be an object, not an array".into()),
        (r#"{"condition":1,"delete":{}}"#, "\"writes[0].condition\" must be a string, not a number".into()),
        (
            r#"{"verify":{"model":"library.v1.Book"}},{"delete":{"model":"library.v1.Boook"}}"#,
            "\"writes[1].delete.model\" is \"library.v1.Boook\", which is not a model; the nearest is library.v1.Book".into(),
        ),
        (
            r#"{"undelete":{"id":"b1"}}"#,
            "\"writes[0].undelete.model\" is required: the full name of the model, such as example.v1.Entity".into(),
        ),
        (r#"{"delete":{"model":"library.v1.Book","allowMissing":"x"}}"#, "\"writes[0].delete.allowMissing\" must be true or false, not a string".into()),
        (r#"{"verify":{"model":"library.v1.Book","missing":0}}"#, "\"writes[0].verify.missing\" must be true or false, not a number".into()),
        (r#"{"create":{}}"#, "\"writes[0].create.record\" is required".into()),
        (r#"{"create":{"record":"x"}}"#, "\"writes[0].create.record\" must be an object, not a string".into()),
        (
            r#"{"create":{"record":{"id":"x"}}}"#,
            "\"writes[0].create.record.@type\" is required: the full name of the model, such as example.v1.Entity".into(),
        ),
        (r#"{"create":{"record":{"@type":1}}}"#, "\"writes[0].create.record.@type\" must be a string, not a number".into()),
        (
            r#"{"create":{"record":{"@type":"library.v1.Book","@type":"library.v1.Book"}}}"#,
            "\"writes[0].create.record.@type\" is given more than once".into(),
        ),
        (
            r#"{"create":{"record":{"@type":"type.googleapis.com/Book"}}}"#,
            "\"writes[0].create.record.@type\" is \"Book\", which is not a model; the nearest is library.v1.Book".into(),
        ),
        (
            r#"{"create":{"record":{"@type":"library.v1.Book","titel":"x"}}}"#,
            "\"writes[0].create.record.titel\" is not a field of library.v1.Book; did you mean title?".into(),
        ),
        (
            r#"{"create":{"record":{"@type":"library.v1.Book","title":"x","title":"y"}}}"#,
            "\"writes[0].create.record.title\" occurs more than once (its JSON name and its proto name are the same field)".into(),
        ),
        (
            r#"{"update":{"record":{"@type":"library.v1.Book"}}}"#,
            "\"writes[0].update.record.id\" is required: it selects the record".into(),
        ),
        (
            r#"{"update":{"record":{"@type":"library.v1.Book","id":"b1"},"updateMask":["titel"]}}"#,
            "\"writes[0].update.updateMask\" has the path \"titel\", but \"titel\" is not a field of library.v1.Book; did you mean title?".into(),
        ),
        (
            r#"{"update":{"record":{"@type":"library.v1.Book","id":"b1"},"increment":{}}}"#,
            "\"writes[0].update.increment\" must be a string, not an object".into(),
        ),
        (
            r#"{"update":{"record":{"@type":"library.v1.Book","id":"b1"},"servertime":"x"}}"#,
            "\"writes[0].update.servertime\" is not a known key; did you mean serverTime?".into(),
        ),
    ] {
        let answer = client.send("POST /api:commit", &[], format!(r#"{{"writes":[{writes}]}}"#)).await;
        assert_eq!((answer.status.as_u16(), answer.error().1), (400, message), "{writes}");
    }
    assert_eq!(memory.questions(), asked);
}

#[tokio::test]
async fn invalid_options_of_a_commit_are_rejected() {
    let (client, memory) = library().await;
    let asked = memory.questions();
    let isolation = "\"isolation\" must be one of READ_COMMITTED, SERIALIZABLE";
    for (body, message) in [
        (r#"{"isolation":"SNAPSHOT"}"#, isolation),
        (r#"{"isolation":2}"#, isolation),
        (r#"{"write":[]}"#, "\"write\" is not a known key; did you mean writes?"),
        (r#"{"requestId":"a b"}"#, "\"requestId\" must be 1 to 128 visible ASCII characters"),
        ("[]", "the body must be a JSON object, not an array"),
        ("", "the body is empty; send a JSON object"),
    ] {
        let answer = client.send("POST /api:commit", &[], body).await;
        assert_eq!((answer.status.as_u16(), answer.error().1.as_str()), (400, message), "{body}");
    }
    for name in ["requestId", "validateOnly", "isolation"] {
        let answer = client.send(&format!("POST /api:commit?{name}=a"), &[], "{}").await;
        let message = format!("{name:?} is not a query parameter here; send it in the body, as its key {name}");
        assert_eq!((answer.status.as_u16(), answer.error().1), (400, message));
    }
    assert_eq!(client.send("POST /api:commit", &["content-type: text/plain"], "{}").await.status, 415);
    let many = format!(r#"{{"writes":[{}]}}"#, vec!["{}"; 1_001].join(","));
    assert!(client.send("POST /api:commit", &[], many).await.error().1.ends_with("not 1001"));
    let deep = format!(r#"{{"writes":[{{"create":{{"record":{}}}}}]}}"#, "[".repeat(100_000));
    assert_eq!(client.send("POST /api:commit", &[], deep).await.status, 400);
    assert_eq!(memory.questions(), asked);
}
