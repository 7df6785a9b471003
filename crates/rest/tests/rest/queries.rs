//! Queries that reach the backend, and the envelopes of the responses.

use crate::memory::{Asked, Memory};
use crate::support::{Client, catalog};
use groundplan_operations::{AggregateQuery, Included, ListQuery, Total, View};
use groundplan_proto::query::v1::value::Kind;
use groundplan_proto::query::v1::{AggregateResponse, Aggregation, Count, Explanation, Function, Group, Value};
use serde_json::json;

pub(crate) const LIBRARY: &str = include_str!("library.proto");

/// A library of an author and three books.
pub(crate) async fn library() -> (Client, Memory) {
    let memory = Memory::new(catalog(&[("library/v1/library.proto", LIBRARY)]));
    let client = Client(groundplan_rest::router(memory.clone(), 4 << 20));
    let bodies = [
        ("authors", r#"{"id":"le-guin","name":"Ursula","born":{"year":1929}}"#),
        ("books", r#"{"id":"b1","title":"The Dispossessed","pages":387,"authorId":"le-guin"}"#),
        ("books", r#"{"id":"b2","title":"Lavinia","authorId":"le-guin"}"#),
        ("books", r#"{"id":"b3","title":"Tehanu","authorId":"le-guin"}"#),
    ];
    for (resource, body) in bodies {
        assert_eq!(client.send(&format!("POST /api/v1/{resource}"), &[], body).await.status, 201);
    }
    (client, memory)
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn view(read_mask: &[&str], expand: &[&str]) -> View {
    View { read_mask: strings(read_mask), expand: strings(expand) }
}

/// The author as an included record.
fn included(memory: &Memory) -> Included {
    let (model, author) = memory.stored("library.v1.Author", "le-guin");
    let page_tokens = [("authors/le-guin/books".to_owned(), "n\"ext".to_owned())].into();
    Included { records: vec![(model, vec![author])], page_tokens }
}

#[tokio::test]
async fn every_parameter_of_a_list_reaches_the_backend() {
    let (client, memory) = library().await;
    let filter = "title%20%3D%3D+%22a%26b%22";
    let everything = format!(
        "filter={filter}&orderBy=title%20desc,pages&pageSize=2&pageToken=1&skip=3&readMask=title,authorId&count=EXACT&allowScan=true&expand=author,author.books"
    );
    let asked = ListQuery {
        page_size: 2,
        page_token: "1".into(),
        filter: "title == \"a&b\"".into(),
        order_by: "title desc,pages".into(),
        skip: 3,
        count: Count::Exact,
        allow_scan: true,
        show_deleted: false,
        view: view(&["title", "authorId"], &["author", "author.books"]),
    };
    for (path, expected) in [
        ("books", Asked::List(asked.clone())),
        ("books:explainList", Asked::Explain(asked.clone())),
        ("authors/le-guin/books", Asked::Related("le-guin".into(), 0, asked.clone())),
    ] {
        for method in ["GET", "HEAD"] {
            let answer = client.send(&format!("{method} /api/v1/{path}?{everything}"), &[], "").await;
            assert_eq!(answer.status, 200, "{path}: {:?}", answer.bytes);
            assert_eq!(memory.asked(), expected, "{path}");
        }
        client.send(&format!("GET /api/v1/{path}"), &[], "").await;
        let (Asked::List(plain) | Asked::Explain(plain) | Asked::Related(_, _, plain)) = memory.asked() else {
            panic!()
        };
        assert_eq!(plain, ListQuery::default());
    }
    for (text, count) in [("ESTIMATED", Count::Estimated), ("COUNT_EXACT", Count::Exact), ("NONE", Count::Unspecified)]
    {
        client.send(&format!("GET /api/v1/books?count={text}&readMask=&expand=&filter="), &[], "").await;
        assert_eq!(memory.asked(), Asked::List(ListQuery { count, ..ListQuery::default() }), "{text}");
    }
}

#[tokio::test]
async fn a_page_has_only_the_requested_members() {
    let (client, memory) = library().await;
    let plain = client.send("GET /api/v1/books?pageSize=1&readMask=title", &[], "").await;
    assert_eq!(plain.bytes, r#"{"data":[{"title":"The Dispossessed"}],"nextPageToken":"1"}"#);
    memory.answer(|answers| answers.total = Some(Total { size: 3, is_estimate: false }));
    let counted = client.send("GET /api/v1/books?pageSize=1&readMask=pages,id&count=EXACT", &[], "").await;
    assert_eq!(counted.bytes, r#"{"data":[{"id":"b1","pages":387}],"nextPageToken":"1","totalSize":3}"#);
    memory.answer(|answers| answers.total = Some(Total { size: 9, is_estimate: true }));
    memory.answer(|answers| answers.included = included(&memory));
    let all = client.send("GET /api/v1/books?pageToken=2&readMask=title&count=ESTIMATED&expand=author", &[], "").await;
    assert_eq!(
        all.bytes,
        concat!(
            r#"{"data":[{"title":"Tehanu"}],"nextPageToken":"","totalSize":9,"totalSizeIsEstimate":true,"#,
            r#""included":{"library.v1.Author":[{"id":"le-guin","name":"Ursula","born":{"year":1929,"place":""}}]},"#,
            r#""includedPageTokens":{"authors/le-guin/books":"n\"ext"}}"#
        )
    );
    memory.answer(|answers| answers.included = Included::default());
    let none = client.send("GET /api/v1/books?pageToken=2&readMask=title&expand=publisher", &[], "").await;
    assert_eq!(none.json()["included"], json!({}));
    assert_eq!(none.json().get("includedPageTokens"), None);
}

#[tokio::test]
async fn a_list_links_to_its_next_page() {
    let (client, _) = library().await;
    let first = client.send("GET /api/v1/books?pageSize=1&skip=1&filter=a%20%3C+1&readMask=title", &[], "").await;
    assert_eq!(
        first.header("link"),
        "</api/v1/books?pageSize=1&filter=a%20%3C%201&readMask=title&pageToken=1>; rel=\"next\""
    );
    let next = first.header("link").split(['<', '>']).nth(1).unwrap().to_owned();
    let second = client.send(&format!("GET {next}"), &[], "").await;
    assert_eq!(second.json()["data"], json!([{ "title": "Lavinia" }]));
    let related = client.send("GET /api/v1/authors/le-guin/books?pageSize=2", &[], "").await;
    assert_eq!(related.header("link"), "</api/v1/authors/le-guin/books?pageSize=2&pageToken=2>; rel=\"next\"");
    let last = client.send("GET /api/v1/books?pageToken=2", &[], "").await;
    assert_eq!((last.status.as_u16(), last.header("link")), (200, ""));
    assert!(!client.send("HEAD /api/v1/books?pageSize=1", &[], "").await.header("link").is_empty());
}

#[tokio::test]
async fn a_record_is_read_with_a_mask_and_related_records() {
    let (client, memory) = library().await;
    let part = client.send("GET /api/v1/authors/le-guin?readMask=born.place,name", &[], "").await;
    assert_eq!(part.bytes, r#"{"data":{"name":"Ursula","born":{"place":""}}}"#);
    assert_eq!((part.status.as_u16(), part.header("etag")), (200, "\"a\""));
    assert_eq!(memory.asked(), Asked::Get("le-guin".into(), view(&["born.place", "name"], &[])));
    for mask in ["*", ""] {
        let whole = client.send(&format!("GET /api/v1/authors/le-guin?readMask={mask}"), &[], "").await;
        assert_eq!(whole.json()["data"]["born"], json!({ "year": 1929, "place": "" }));
    }
    let known = &["if-none-match: \"a\""];
    assert_eq!(client.send("GET /api/v1/books/b1?readMask=title", known, "").await.status, 304);
    memory.answer(|answers| answers.included = included(&memory));
    let expanded = client.send("GET /api/v1/books/b1?readMask=title&expand=author", known, "").await;
    assert_eq!((expanded.status.as_u16(), expanded.header("etag")), (200, "\"a\""));
    let names: Vec<_> = expanded.json().as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, ["data", "included", "includedPageTokens"]);
    let plain = client.send("GET /api/v1/books/b1", &[], "").await;
    assert_eq!(plain.json().as_object().unwrap().len(), 1);
}

#[tokio::test]
async fn an_inverse_relation_is_a_list_of_the_other_model() {
    let (client, memory) = library().await;
    let books = client.send("GET /api/v1/authors/le-guin/books?pageSize=2&readMask=title", &[], "").await;
    assert_eq!(books.bytes, r#"{"data":[{"title":"The Dispossessed"},{"title":"Lavinia"}],"nextPageToken":"2"}"#);
    assert_eq!(books.header("groundplan-revision"), "0");
    client.send("GET /api/v1/publishers/a%20b/all_books", &[], "").await;
    assert_eq!(memory.asked(), Asked::Related("a b".into(), 0, ListQuery::default()));
    let options = client.send("OPTIONS /api/v1/authors/le-guin/books", &[], "").await;
    assert_eq!((options.status.as_u16(), options.header("allow")), (204, "GET, HEAD, OPTIONS"));
    let refused = client.send("POST /api/v1/authors/le-guin/books", &[], "{}").await;
    assert_eq!((refused.status.as_u16(), refused.header("allow")), (405, "GET, HEAD, OPTIONS"));
    let unknown = client.send("GET /api/v1/publishers/x/books", &[], "").await;
    let message = "there is nothing at /api/v1/publishers/{id}/books; the nearest is /api/v1/publishers/{id}/all_books";
    assert_eq!((unknown.status.as_u16(), unknown.error().1.as_str()), (404, message));
}

#[tokio::test]
async fn batch_get_reads_records_by_their_ids() {
    let (client, memory) = library().await;
    let post = async |body: &str| client.send("POST /api/v1/books:batchGet", &[], body.to_owned()).await;
    let batch = post(r#"{"ids":["b3","b1"],"readMask":"title,pages","expand":["author"]}"#).await;
    assert_eq!(
        batch.bytes,
        r#"{"data":[{"title":"Tehanu","pages":0},{"title":"The Dispossessed","pages":387}],"included":{}}"#
    );
    assert_eq!(memory.asked(), Asked::BatchGet(strings(&["b3", "b1"]), view(&["title", "pages"], &["author"])));
    let same = post(r#"{"requests":[{"id":"b3"},{"id":"b1","readMask":null}],"read_mask":null}"#).await;
    assert_eq!((same.status.as_u16(), memory.asked()), (200, Asked::BatchGet(strings(&["b3", "b1"]), View::default())));
    assert_eq!(same.json().as_object().unwrap().len(), 1);
    assert_eq!(post(r#"{"ids":["b3","x"]}"#).await.status, 404);
    assert_eq!(post("{}").await.bytes, r#"{"data":[]}"#);
}

#[tokio::test]
async fn aggregations_have_groups_and_values() {
    let (client, memory) = library().await;
    let value = |kind| Value { kind: Some(kind) };
    let group = Group {
        keys: [("author".to_owned(), value(Kind::StringValue("le-guin".into())))].into(),
        values: [("count".to_owned(), value(Kind::Int64Value(3))), ("x".to_owned(), value(Kind::DoubleValue(1.5)))]
            .into(),
    };
    memory.answer(|answers| answers.computed = AggregateResponse { groups: vec![group, Group::default()] });
    let body = r#"{"filter":"pages > 0","groupBy":["author"],"allowScan":true,
        "aggregations":[{"function":"COUNT"},{"function":"FUNCTION_AVERAGE","field":"pages","name":"x"}]}"#;
    let answer = client.send("POST /api/v1/books:aggregate", &[], body).await;
    assert_eq!(
        answer.bytes,
        r#"{"data":[{"keys":{"author":"le-guin"},"values":{"count":"3","x":1.5}},{"keys":{},"values":{}}]}"#
    );
    let aggregation = |function: Function, field: &str, name: &str| Aggregation {
        function: function.into(),
        field: field.into(),
        name: name.into(),
    };
    let asked = AggregateQuery {
        filter: "pages > 0".into(),
        group_by: strings(&["author"]),
        aggregations: vec![aggregation(Function::Count, "", ""), aggregation(Function::Average, "pages", "x")],
        allow_scan: true,
    };
    assert_eq!(memory.asked(), Asked::Aggregate(asked));
}

#[tokio::test]
async fn an_explanation_has_its_plan_as_json() {
    let (client, memory) = library().await;
    let explanation = Explanation {
        sql: "SELECT \"x\"".into(),
        parameter_types: strings(&["text"]),
        estimated_rows: 12,
        estimated_cost: 8.5,
        served: true,
        plan_json: "[{\"Plan\": {}}]".into(),
        ..Explanation::default()
    };
    memory.answer(|answers| answers.explanation = explanation);
    let answer = client.send("GET /api/v1/books:explainList", &[], "").await;
    assert_eq!(
        answer.bytes,
        concat!(
            r#"{"data":{"sql":"SELECT \"x\"","parameterTypes":["text"],"indexes":[],"estimatedRows":"12","#,
            r#""estimatedCost":8.5,"served":true,"advice":"","plan":[{"Plan": {}}]}}"#
        )
    );
}
