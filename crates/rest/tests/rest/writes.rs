//! Writes of one record: request ids, dry runs, conditions and missing records.

use crate::memory::{Asked, Memory};
use crate::queries::library;
use crate::support::Client;
use groundplan_codec::mask::UpdateMask;
use groundplan_error::{Error, Reason};
use groundplan_operations::{Operation, Writes};
use serde_json::json;

// Clippy allows `unwrap` in tests by default, but not in their helpers.
#[cfg(test)]
pub(crate) fn written(memory: &Memory) -> Writes {
    let Asked::Write(writes) = memory.asked() else { panic!("{:?}", memory.asked()) };
    writes
}

/// The methods that write one record, and a body for each.
const METHODS: [(&str, &str); 4] = [
    ("POST /api/v1/books", r#"{"id":"new"}"#),
    ("PATCH /api/v1/books/b1", "{}"),
    ("PUT /api/v1/books/b1", "{}"),
    ("DELETE /api/v1/books/b1", ""),
];

#[tokio::test]
async fn request_ids_are_read_from_header_or_query() {
    for (method, body) in METHODS {
        for (query, header, expected) in [
            ("", "accept: */*", ""),
            ("?requestId=", "accept: */*", ""),
            ("?requestId=a-1", "accept: */*", "a-1"),
            ("", "Idempotency-Key: \"a-1\"", "a-1"),
            ("", "idempotency-key: a-1", "a-1"),
            ("?requestId=a-1", "Idempotency-Key: \"a-1\"", "a-1"),
        ] {
            let (client, memory) = library().await;
            let answer = client.send(&format!("{method}{query}"), &[header], body).await;
            assert!(answer.status.is_success(), "{method}: {:?}", answer.bytes);
            let writes = written(&memory);
            assert_eq!((writes.request_id.as_str(), writes.validate_only), (expected, false), "{method}{query}");
            assert_eq!(answer.header("idempotency-replayed"), "");
        }
    }
}

#[tokio::test]
async fn invalid_request_ids_are_rejected_by_name() {
    let (client, memory) = library().await;
    let asked = memory.questions();
    let long = format!("idempotency-key: {}", "x".repeat(129));
    for (method, body) in METHODS {
        let (other, twice) = ("Idempotency-Key: \"b\"", ["idempotency-key: a", "idempotency-key: a"]);
        for (query, headers, words) in [
            ("?requestId=a", &[other] as &[&str], "\"requestId\" differs from Idempotency-Key; send one of them"),
            ("", &["idempotency-key: "], "\"Idempotency-Key\" must be a string in double quotes of 1 to 128 visible"),
            ("", &["idempotency-key: \"\""], "\"Idempotency-Key\" must be a string in double quotes"),
            ("", &["idempotency-key: a b"], "\"Idempotency-Key\" must be a string in double quotes"),
            ("", &[&long], "\"Idempotency-Key\" must be a string in double quotes"),
            ("", &twice, "\"Idempotency-Key\" is given more than once; send one for each call"),
            ("?requestId=a%20b", &[], "\"requestId\" must be 1 to 128 visible ASCII characters"),
            ("?validateOnly=1", &[], "\"validateOnly\" must be true or false"),
        ] {
            let answer = client.send(&format!("{method}{query}"), headers, body).await;
            assert_eq!((answer.status.as_u16(), answer.error().0.as_str()), (400, "INVALID_INPUT"), "{method}{query}");
            assert!(answer.error().1.starts_with(words), "{method}: {}", answer.error().1);
        }
    }
    let create = client.send("POST /api/v1/books?allowMissing=true", &[], "{}").await;
    assert_eq!(create.status, 400);
    assert_eq!(memory.questions(), asked);
}

#[tokio::test]
async fn a_repeated_write_returns_the_first_response_as_replayed() {
    for ((method, body), status) in METHODS.into_iter().zip([201, 200, 200, 204]) {
        let (client, memory) = library().await;
        memory.answer(|answers| answers.is_repeat = true);
        let answer = client.send(method, &["idempotency-key: \"a\""], body).await;
        assert_eq!((answer.status.as_u16(), answer.header("idempotency-replayed")), (status, "true"), "{method}");
        assert_eq!(answer.header("location").is_empty(), status != 201, "{method}");
    }
}

#[tokio::test]
async fn a_dry_run_stores_nothing() {
    let (client, memory) = library().await;
    let created = client.send("POST /api/v1/books?validateOnly=true", &[], r#"{"id":"new","title":"x"}"#).await;
    assert_eq!((created.status.as_u16(), created.header("location"), created.header("etag")), (200, "", ""));
    assert_eq!((&created.json()["data"]["title"], written(&memory).validate_only), (&json!("x"), true));
    assert_eq!(client.send("GET /api/v1/books/new", &[], "").await.status, 404);
    for (method, body, status) in [("PATCH", "{}", 200), ("PUT", "{}", 200), ("DELETE", "", 204)] {
        let answer = client.send(&format!("{method} /api/v1/books/b1?validateOnly=true"), &[], body).await;
        assert_eq!((answer.status.as_u16(), answer.header("etag")), (status, ""), "{method}");
        assert!(written(&memory).validate_only, "{method}");
    }
    let plain = client.send("GET /api/v1/books/b1", &[], "").await;
    assert_eq!((plain.status.as_u16(), plain.header("etag")), (200, "\"a\""));
    let missing = client.send("DELETE /api/v1/books/none?validateOnly=true", &[], "").await;
    assert_eq!(missing.status, 404);
}

#[tokio::test]
async fn allow_missing_permits_missing_records() {
    let (client, memory) = library().await;
    for (method, body) in [("PATCH", r#"{"title":"x"}"#), ("PUT", r#"{"title":"x"}"#)] {
        let path = format!("/api/v1/books/{}", method.to_lowercase());
        let refused = client.send(&format!("{method} {path}?allowMissing=false"), &[], body).await;
        assert_eq!(refused.status, 404, "{method}");
        let created = client.send(&format!("{method} {path}?allowMissing=true"), &[], body).await;
        assert_eq!((created.status.as_u16(), created.header("etag")), (201, "\"a\""), "{method}");
        assert_eq!(created.header("location"), path, "{method}");
        let changed = client.send(&format!("{method} {path}?allowMissing=true"), &[], body).await;
        assert_eq!((changed.status.as_u16(), changed.header("location")), (200, ""), "{method}");
        let tried = client.send(&format!("{method} {path}-2?allowMissing=true&validateOnly=true"), &[], body).await;
        assert_eq!((tried.status.as_u16(), tried.header("location")), (200, ""), "{method}");
        client.send(&format!("{method} {path}?allowMissing=true"), &[], body).await;
        let Operation::Update { allow_missing, mask, .. } = written(&memory).list.remove(0).operation else { panic!() };
        assert_eq!((allow_missing, mask == UpdateMask::All), (true, method == "PUT"));
    }
    assert_eq!(client.send("DELETE /api/v1/books/none?allowMissing=true", &[], "").await.status, 204);
    assert_eq!(client.send("DELETE /api/v1/books/none", &[], "").await.status, 404);
}

#[tokio::test]
async fn if_match_requires_a_record_despite_allow_missing() {
    let (client, memory) = library().await;
    for (method, body) in [("PATCH", "{}"), ("PUT", "{}"), ("DELETE", "")] {
        for tags in ["*", "\"a\""] {
            let header = format!("if-match: {tags}");
            let answer = client.send(&format!("{method} /api/v1/books/none?allowMissing=true"), &[&header], body).await;
            assert_eq!(answer.status, 404, "{method} {tags}");
            let (Operation::Update { allow_missing, .. } | Operation::Delete { allow_missing, .. }) =
                written(&memory).list.remove(0).operation
            else {
                panic!()
            };
            assert!(!allow_missing, "{method} {tags}");
        }
    }
}

#[tokio::test]
async fn if_none_match_creates_only_missing_records() {
    let (client, memory) = library().await;
    let put = async |id: &str| {
        let path = format!("PUT /api/v1/books/{id}?allowMissing=true");
        client.send(&path, &["if-none-match: *"], r#"{"title":"x"}"#).await
    };
    assert_eq!(put("b1").await.status, 412);
    let created = put("new").await;
    assert_eq!((created.status.as_u16(), &created.json()["data"]["id"]), (201, &json!("new")));
    assert_eq!(created.header("location"), "/api/v1/books/new");
    assert!(matches!(written(&memory).list.remove(0).operation, Operation::Create { .. }));
    memory.answer(|answers| answers.refused = Some(|| Error::new(Reason::RecordExists, "somebody was faster")));
    let late = put("late").await;
    assert_eq!((late.status.as_u16(), late.error().0.as_str()), (412, "CONFLICT"));
    memory.answer(|answers| answers.refused = None);
    let plain = client.send("PUT /api/v1/books/other", &["if-none-match: *"], "{}").await;
    assert_eq!(plain.status, 201, "the condition itself says that the record is to be created");
    let patch = client.send("PATCH /api/v1/books/third", &["if-none-match: *"], "{}").await;
    assert_eq!(patch.status, 404, "a patch has nothing to change");
    let delete = client.send("DELETE /api/v1/books/third?allowMissing=true", &["if-none-match: *"], "").await;
    assert_eq!(delete.status, 404);
}

#[tokio::test]
async fn a_post_checks_the_conditions_of_its_headers() {
    let (client, memory) = library().await;
    let post = async |header: &str| client.send("POST /api/v1/books", &[header], r#"{"id":"new"}"#).await;
    assert_eq!(post("if-none-match: *").await.status, 201);
    assert_eq!(post("if-none-match: \"x\"").await.status, 201, "no record has this etag");
    let asked = memory.questions();
    let refused = post("if-match: *").await;
    assert_eq!((refused.status.as_u16(), refused.error().0.as_str()), (412, "CONFLICT"));
    assert_eq!(memory.questions(), asked, "nothing is written");
    memory.answer(|answers| answers.refused = Some(|| Error::new(Reason::RecordExists, "it is there")));
    assert_eq!(post("if-none-match: *").await.status, 412);
    assert_eq!(post("accept: */*").await.status, 409);
}

#[tokio::test]
async fn conditional_headers_are_rejected_for_batches() {
    let (client, memory) = library().await;
    let asked = memory.questions();
    for header in ["if-match: \"a\"", "if-none-match: *"] {
        for (path, body) in [
            ("/api/v1/books:batchCreate", r#"{"requests":[{"book":{"id":"x"}}]}"#),
            ("/api/v1/books:batchUpdate", r#"{"requests":[{"book":{"id":"b1"}}]}"#),
            ("/api/v1/books:batchDelete", r#"{"requests":[{"id":"b1"}]}"#),
            ("/api:commit", r#"{"writes":[{"delete":{"model":"library.v1.Book","id":"b1"}}]}"#),
        ] {
            let answer = client.send(&format!("POST {path}"), &[header], body).await;
            assert_eq!(answer.status, 400, "{path} {header}");
            assert!(answer.error().1.contains("is only for methods of one record"), "{}", answer.error().1);
        }
    }
    assert_eq!(memory.questions(), asked);
}

#[tokio::test]
async fn different_etags_are_rejected() {
    let (client, memory) = library().await;
    let asked = memory.questions();
    let answer = client.send("DELETE /api/v1/books/b1?etag=b", &["if-match: \"a\""], "").await;
    assert_eq!((answer.status.as_u16(), answer.error().0.as_str()), (400, "INVALID_INPUT"));
    assert_eq!(answer.error().1, "\"etag\" is not among the etags of If-Match; send one of them");
    assert_eq!(memory.questions(), asked);
    assert_eq!(client.send("DELETE /api/v1/books/b1?etag=a", &["if-match: \"a\""], "").await.status, 204);
}

#[tokio::test]
async fn request_ids_require_at_most_one_etag() {
    let (client, memory): (Client, _) = library().await;
    let asked = memory.questions();
    for condition in ["if-none-match: \"x\"", "if-match: \"a\", \"b\""] {
        let answer = client.send("PUT /api/v1/books/b1", &["idempotency-key: k", condition], "{}").await;
        let words = "\"requestId\" and Idempotency-Key go together with one etag, but not with several etags or with If-None-Match";
        assert_eq!((answer.status.as_u16(), answer.error().1.as_str()), (400, words), "{condition}");
    }
    assert_eq!(memory.questions(), asked);
    let one = client.send("PUT /api/v1/books/b1", &["idempotency-key: k", "if-match: \"a\""], "{}").await;
    assert_eq!((one.status.as_u16(), written(&memory).request_id.as_str()), (200, "k"));
}
