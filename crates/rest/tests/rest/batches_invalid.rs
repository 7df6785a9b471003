//! Invalid batches: each error has the field path, and nothing reaches the backend.

use crate::queries::library;
use groundplan_error::{Error, Violation};

#[tokio::test]
async fn invalid_batches_are_rejected_with_the_field_path() {
    let (client, memory) = library().await;
    let asked = memory.questions();
    let outside = "is not allowed in one request of a batch; set it for the whole batch";
    for (method, body, message) in [
        ("Create", "{}", "\"requests\" must have from 1 to 1000 elements, not 0".to_owned()),
        ("Create", r#"{"requests":{}}"#, "\"requests\" must be an array, not an object".into()),
        ("Create", r#"{"requests":[1]}"#, "\"requests[0]\" must be an object, not a number".into()),
        ("Create", r#"{"requests":[{}]}"#, "\"requests[0].book\" is required".into()),
        ("Create", r#"{"requests":[{"book":null}]}"#, "\"requests[0].book\" is required".into()),
        ("Create", r#"{"requests":[{"book":7}]}"#, "\"requests[0].book\" must be an object, not a number".into()),
        (
            "Create",
            r#"{"requests":[{"book":{}},{"book":{"pages":"x"}}]}"#,
            "\"requests[1].book.pages\" must be a number, not the string \"x\"".into(),
        ),
        (
            "Create",
            r#"{"requests":[{"book":{"titel":"x"}}]}"#,
            "\"requests[0].book.titel\" is not a field of library.v1.Book; did you mean title?".into(),
        ),
        ("Create", r#"{"requests":[{"boook":{}}]}"#, "\"requests[0].boook\" is not a known key; did you mean book?".into()),
        ("Create", r#"{"requests":[{"book":{},"requestId":"x"}]}"#, format!("\"requests[0].requestId\" {outside}")),
        ("Delete", r#"{"requests":[{"validateOnly":true}]}"#, format!("\"requests[0].validateOnly\" {outside}")),
        ("Delete", r#"{"requests":[{"id":1}]}"#, "\"requests[0].id\" must be a string, not a number".into()),
        ("Delete", r#"{"requests":[{"id":"a","allowMissing":1}]}"#, "\"requests[0].allowMissing\" must be true or false, not a number".into()),
        (
            "Update",
            r#"{"requests":[{"book":{"title":"x"}}]}"#,
            "\"requests[0].book.id\" is required: it selects the record".into(),
        ),
        (
            "Update",
            r#"{"requests":[{"book":{"id":"b1"},"updateMask":"titel"}]}"#,
            "\"requests[0].updateMask\" has the path \"titel\", but \"titel\" is not a field of library.v1.Book; did you mean title?".into(),
        ),
        (
            "Update",
            r#"{"requests":[{"book":{"id":"b1"},"updateMask":"title,"}]}"#,
            "\"requests[0].updateMask\" has an empty path: remove the extra comma".into(),
        ),
        ("Update", r#"{"requests":[{"book":{"id":"b1"},"updateMask":1}]}"#, "\"requests[0].updateMask\" must be a string, not a number".into()),
        ("Update", r#"{"requests":[{"book":{"id":"b1"},"updateMask":[1]}]}"#, "\"requests[0].updateMask[0]\" must be a string, not a number".into()),
        ("Update", r#"{"requests":[],"requestId":"a b"}"#, "\"requestId\" must be 1 to 128 visible ASCII characters".into()),
        ("Update", "", "the body is empty; send a JSON object".into()),
    ] {
        let answer = client.send(&format!("POST /api/v1/books:batch{method}"), &[], body).await;
        assert_eq!((answer.status.as_u16(), answer.error().1), (400, message), "{body}");
        assert_eq!(answer.error().0, "INVALID_INPUT");
    }
    let many = format!(r#"{{"requests":[{}]}}"#, vec!["{}"; 1_001].join(","));
    let answer = client.send("POST /api/v1/books:batchDelete", &[], many).await;
    assert_eq!(answer.error().1, "\"requests\" must have from 1 to 1000 elements, not 1001");
    let both = client.send("POST /api/v1/books:batchDelete", &["idempotency-key: a"], r#"{"requestId":"b"}"#).await;
    assert_eq!(both.error().1, "\"requestId\" differs from Idempotency-Key; send one of them");
    let plain = client.send("POST /api/v1/books:batchDelete", &["content-type: text/plain"], "{}").await;
    assert_eq!(plain.status, 415);
    let huge = format!(r#"{{"requests":[{{"id":"{}"}}]}}"#, "x".repeat(4 << 20));
    assert_eq!(client.send("POST /api/v1/books:batchDelete", &[], huge).await.status, 413);
    let nearest = client.send("POST /api/v1/books:batchcreate", &[], "{}").await;
    assert!(nearest.error().1.ends_with("the nearest is /api/v1/books:batchCreate"), "{}", nearest.error().1);
    assert_eq!(memory.questions(), asked);
}

#[tokio::test]
async fn all_invalid_requests_are_reported_in_order() {
    let (client, memory) = library().await;
    let asked = memory.questions();
    let body = r#"{"requests":[{"book":{"pages":"x"}},{"book":{}},{"boook":{}},{"book":{},"requestId":"x"},7]}"#;
    let answer = client.send("POST /api/v1/books:batchCreate", &[], body).await;
    assert_eq!(answer.error().1, "\"requests[0].book.pages\" must be a number, not the string \"x\"");
    let fields = |answer: &crate::support::TestResponse| -> Vec<String> {
        let details = answer.json()["error"]["details"][1]["fieldViolations"].clone();
        details.as_array().unwrap().iter().map(|one| one["field"].as_str().unwrap().to_owned()).collect()
    };
    let places = ["requests[0].book.pages", "requests[2].boook", "requests[3].requestId", "requests[4]"];
    assert_eq!(fields(&answer), places);
    let masks: Vec<_> =
        ["titel", "title", "pags"].map(|mask| format!(r#"{{"book":{{"id":"{mask}"}},"updateMask":"{mask}"}}"#)).into();
    let body = format!(r#"{{"requests":[{}]}}"#, masks.join(","));
    let answer = client.send("POST /api/v1/books:batchUpdate", &[], body).await;
    assert_eq!(fields(&answer), ["requests[0].updateMask", "requests[2].updateMask"]);
    let writes =
        r#"{"writes":[{"delete":{"model":"x"}},{"delete":{"model":"library.v1.Book","id":"a"}},{"upsert":{}}]}"#;
    let answer = client.send("POST /api:commit", &[], writes).await;
    assert_eq!(fields(&answer), ["writes[0].delete.model", "writes[2].upsert"]);
    let many = format!(r#"{{"requests":[{}]}}"#, vec![r#"{"id":1}"#; 1_000].join(","));
    let answer = client.send("POST /api/v1/books:batchDelete", &[], many).await;
    assert_eq!((fields(&answer).len(), fields(&answer)[99].as_str()), (100, "requests[99].id"));
    assert_eq!(answer.json()["error"]["details"][0]["metadata"]["moreViolations"], "true");
    assert_eq!(memory.questions(), asked);
}

#[tokio::test]
async fn a_full_batch_is_accepted() {
    let (client, _) = library().await;
    let requests: Vec<String> = (0..1_000).map(|at| format!(r#"{{"book":{{"id":"n{at}"}}}}"#)).collect();
    let body = format!(r#"{{"requests":[{}]}}"#, requests.join(","));
    let answer = client.send("POST /api/v1/books:batchCreate", &[], body).await;
    assert_eq!(answer.json()["data"].as_array().unwrap().len(), 1_000);
}

#[tokio::test]
async fn errors_have_the_json_names_of_fields() {
    let (client, memory) = library().await;
    for (call, body, message) in [
        ("POST v1/books", r#"{"author_id":1}"#, "authorId must be a string, not a number"),
        ("PATCH v1/books/b1", r#"{"authorId":1}"#, "authorId must be a string, not a number"),
        (
            "POST v1/books:batchCreate",
            r#"{"requests":[{"book":{"author_id":1}}]}"#,
            "\"requests[0].book.authorId\" must be a string, not a number",
        ),
        (
            "POST :commit",
            r#"{"writes":[{"create":{"record":{"@type":"library.v1.Book","author_id":1}}}]}"#,
            "\"writes[0].create.record.authorId\" must be a string, not a number",
        ),
    ] {
        let answer = client.send(&call.replace(' ', " /api/").replace("/:", ":"), &[], body).await;
        assert_eq!(answer.error().1, message, "{call}");
        let field = message.split(' ').next().unwrap().replace('"', "");
        let violation = answer.json()["error"]["details"][1]["fieldViolations"][0].clone();
        assert_eq!((&violation["field"], answer.status.as_u16()), (&field.into(), 400), "{call}");
    }
    memory.answer(|answers| answers.refused = Some(|| Error::field("author_id", "required", "is required")));
    for (method, body) in [("POST books", r#"{"id":"n"}"#), ("PUT books/b1", "{}"), ("DELETE books/b1", "")] {
        let (method, path) = method.split_once(' ').unwrap();
        let answer = client.send(&format!("{method} /api/v1/{path}"), &[], body).await;
        assert_eq!(answer.error().1, "authorId is required", "{method}");
    }
    memory.answer(|answers| {
        answers.refused = Some(|| {
            let fields = ["requests[1].book.author_id", "requests[1].update_mask"];
            let violation =
                |field: &str| Violation { field: field.into(), description: "is wrong".into(), rule: "rule".into() };
            Error::invalid(fields.map(violation).to_vec())
        });
    });
    let body = r#"{"requests":[{"book":{"id":"b1"}},{"book":{"id":"b2"}}]}"#;
    let answer = client.send("POST /api/v1/books:batchUpdate", &[], body).await;
    assert_eq!(answer.error().1, "\"requests[1].book.authorId\" is wrong");
    assert!(answer.json().to_string().contains(r#""field":"requests[1].updateMask""#), "{}", answer.json());
    memory.answer(|answers| {
        answers.refused = Some(|| {
            let fields =
                ["writes[1].update.record.author_id", "writes[0].delete.allow_missing", "writes[7].x_y.record.a_b"];
            let violation =
                |field: &str| Violation { field: field.into(), description: "is wrong".into(), rule: "rule".into() };
            Error::invalid(fields.map(violation).to_vec())
        });
    });
    let body = r#"{"writes":[{"delete":{"model":"library.v1.Shelf","id":"a"}},
        {"update":{"record":{"@type":"library.v1.Book","id":"b1"}}}]}"#;
    let answer = client.send("POST /api:commit", &[], body).await;
    assert_eq!(answer.error().1, "\"writes[1].update.record.authorId\" is wrong");
    assert!(answer.json().to_string().contains(r#""field":"writes[0].delete.allowMissing""#), "{}", answer.json());
}

#[tokio::test]
async fn errors_of_the_backend_keep_their_field_paths() {
    let (client, memory) = library().await;
    memory.answer(|answers| {
        answers.refused = Some(|| {
            let violation = |field: &str| Violation {
                field: field.into(),
                description: "is required".into(),
                rule: "required".into(),
            };
            Error::invalid(vec![violation("requests[0].book.title"), violation("requests[2].id")])
        });
    });
    let body = r#"{"requests":[{"book":{"id":"b1"}}]}"#;
    let answer = client.send("POST /api/v1/books:batchUpdate", &[], body).await;
    assert_eq!((answer.status.as_u16(), answer.error().1.as_str()), (400, "\"requests[0].book.title\" is required"));
    let text = answer.json().to_string();
    assert!(text.contains(r#""field":"requests[2].id""#), "{text}");
}
