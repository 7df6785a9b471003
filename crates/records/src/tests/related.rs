//! The records that refer to one, as lists of their own.

use super::fixture::Fixture;
use crate::Settings;
use groundplan_model::catalog::MethodKind::{Create, List, ListRelated};
use serde_json::{Value, json};
use tonic::Code;
use tonic_types::StatusExt;

const LIBRARY: &str = r#"
    syntax = "proto3";
    package test.v1;
    import "groundplan/model/v1/model.proto";
    message Author {
      option (groundplan.model.v1.model) = {};
      string id = 1;
      string name = 2;
    }
    message Book {
      option (groundplan.model.v1.model) = {};
      string id = 1;
      string title = 2;
      int64 pages = 3;
      string author_id = 4 [(groundplan.model.v1.field).references = { model: "Author" inverse: "books" }];
    }
"#;

/// Creates two authors with ten books each and one without books, in large tables.
async fn library() -> (Fixture, Vec<Value>) {
    let fixture = Fixture::with_settings(Settings { scan_limit_bytes: 0, ..Settings::default() }).await;
    fixture.apply(1, LIBRARY).await.unwrap();
    let mut authors = Vec::new();
    for name in ["a", "b", "nobody"] {
        let author = fixture.call("Author", Create, json!({"author": {"name": name}})).await.unwrap();
        authors.push(author["id"].clone());
    }
    for at in 0..20 {
        let book = json!({"title": format!("t{at:02}"), "pages": (at % 4).to_string(), "authorId": authors[at % 2]});
        fixture.call("Book", Create, json!({"book": book})).await.unwrap();
    }
    (fixture, authors)
}

fn titles(page: &Value) -> Vec<&str> {
    let books = page.get("books").and_then(Value::as_array);
    books.into_iter().flatten().map(|book| book["title"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn related_list_behaves_like_a_list() {
    let (fixture, authors) = library().await;
    let (one, other) = (&authors[0], &authors[1]);
    let even: Vec<String> = (0..20).step_by(2).map(|at| format!("t{at:02}")).collect();
    let list = async |request: Value| fixture.call("Author", ListRelated(0), request).await;
    let all = list(json!({"id": one})).await.unwrap();
    assert_eq!(titles(&all), even);
    let mut seen = Vec::new();
    let mut token = json!("");
    while !token.is_null() {
        let page = list(json!({"id": one, "pageSize": 3, "orderBy": "title desc", "pageToken": token})).await.unwrap();
        seen.extend(titles(&page).into_iter().map(str::to_owned));
        token = page["nextPageToken"].clone();
    }
    assert_eq!(seen, even.iter().rev().cloned().collect::<Vec<_>>());
    let some = json!({"id": one, "filter": "pages == 2", "count": "COUNT_EXACT", "readMask": "title", "pageSize": 2});
    let page = list(some).await.unwrap();
    assert_eq!((titles(&page), &page["totalSize"]), (vec!["t02", "t06"], &json!("5")));
    let token = list(json!({"id": one, "pageSize": 3})).await.unwrap()["nextPageToken"].clone();
    for (model, method, request) in [
        ("Author", ListRelated(0), json!({"id": other, "pageToken": token})),
        ("Book", List, json!({"pageToken": token})),
    ] {
        let status = fixture.call(model, method, request).await.unwrap_err();
        assert_eq!(status.get_error_details().error_info().unwrap().reason, "PAGE_TOKEN_INVALID");
    }
}

#[tokio::test]
async fn related_list_of_missing_parent_is_not_found() {
    let (fixture, authors) = library().await;
    let empty = fixture.call("Author", ListRelated(0), json!({"id": authors[2]})).await.unwrap();
    assert_eq!(empty, json!({}));
    for request in [
        json!({"id": "00000000-0000-7000-8000-0000000000ff"}),
        json!({"id": "00000000-0000-7000-8000-0000000000ff", "filter": "pages > 1", "count": "COUNT_EXACT"}),
    ] {
        let status = fixture.call("Author", ListRelated(0), request).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
        assert!(status.message().starts_with("test.v1.Author"), "{}", status.message());
    }
    for id in ["", "x"] {
        let status = fixture.call("Author", ListRelated(0), json!({"id": id})).await.unwrap_err();
        assert_eq!(status.get_error_details().bad_request().unwrap().field_violations[0].field, "id");
    }
}

#[tokio::test]
async fn lists_contain_expanded_records() {
    let (fixture, authors) = library().await;
    let request = json!({"expand": ["author"], "readMask": "title", "pageSize": 4, "orderBy": "id desc"});
    let page = fixture.call("Book", List, request).await.unwrap();
    assert_eq!(titles(&page), ["t19", "t18", "t17", "t16"]);
    assert_eq!(page["books"][0], json!({"title": "t19"}), "the reference is read, but not shown");
    let included = page["included"].as_array().unwrap();
    assert_eq!(included.len(), 2);
    assert!(included.iter().all(|any| any["@type"] == json!("type.googleapis.com/test.v1.Author")), "{included:?}");
    for at in 0..200 {
        let book = json!({"title": format!("u{at:03}"), "authorId": authors[2]});
        fixture.call("Book", Create, json!({"book": book})).await.unwrap();
    }
    let page = fixture.call("Author", List, json!({"expand": ["books"]})).await.unwrap();
    let id = authors[2].as_str().unwrap();
    let token = page["includedPageTokens"][format!("authors/{id}/books")].clone();
    assert_eq!(page["includedPageTokens"].as_object().unwrap().len(), 1);
    let rest = json!({"id": id, "pageToken": token, "pageSize": 1000});
    let rest = fixture.call("Author", ListRelated(0), rest).await.unwrap();
    assert_eq!(titles(&rest), (100..200).map(|at| format!("u{at:03}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn related_list_combines_parent_and_filter() {
    let (fixture, authors) = library().await;
    let request = json!({"id": authors[0], "filter": "author.name == 'a' && author_id == '".to_owned() + authors[0].as_str().unwrap() + "'"});
    let page = fixture.call("Author", ListRelated(0), request).await.unwrap();
    assert_eq!(titles(&page).len(), 10);
}
