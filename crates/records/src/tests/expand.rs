//! Expanded relations, in addition to the requested records.

use super::fixture::Fixture;
use super::relations::{expanding, library, related, shown, texts};
use crate::served::Served;
use groundplan_chassis::database::Columns;
use groundplan_error::Reason;
use groundplan_identity::Caller;
use groundplan_identity::Principal;
use groundplan_model::catalog::MethodKind::Update;
use groundplan_model::{Input, SourceFile, StorageNames};
use groundplan_operations::{Backend, ListQuery, View};
use serde_json::{Value, json};

/// A book of an author with a publisher, who has a mentor and another book.
struct Shelfful {
    fixture: Fixture,
    publisher: String,
    mentor: String,
    author: String,
    book: String,
    other: String,
}

async fn shelfful() -> Shelfful {
    let fixture = library().await;
    let publisher = fixture.make("Publisher", json!({"name": "p"})).await;
    let mentor = fixture.make("Author", json!({"name": "m", "publisherId": publisher})).await;
    let author = json!({"name": "a", "publisherId": publisher, "mentorId": mentor});
    let author = fixture.make("Author", author).await;
    let book =
        json!({"title": "b", "authorId": author, "publisherId": publisher, "note": "hidden", "censorId": mentor});
    let book = fixture.make("Book", book).await;
    let other = fixture.make("Book", json!({"title": "c", "authorId": author, "note": "hidden"})).await;
    Shelfful { fixture, publisher, mentor, author, book, other }
}

/// The ids of what is included, by the names of models.
fn ids(included: &Value) -> Value {
    let models = included.as_object().unwrap().iter().map(|(model, records)| {
        let ids = records.as_array().unwrap().iter().map(|record| record["id"].clone()).collect::<Value>();
        (model.trim_start_matches("test.v1.").to_owned(), ids)
    });
    Value::Object(models.collect())
}

impl Shelfful {
    async fn ids(&self, model: &str, id: &str, paths: &[&str]) -> Value {
        let (_, included) = self.fixture.get_view(model, id, &expanding(paths)).await.unwrap();
        assert!(included.page_tokens.is_empty());
        ids(&related(&included))
    }
}

#[tokio::test]
async fn relations_lead_there_and_back() {
    let here = shelfful().await;
    let (book, author, mentor, publisher) = (&here.book, &here.author, &here.mentor, &here.publisher);
    for (paths, expected) in [
        (&["author"][..], json!({"Author": [author]})),
        (&["author_id"], json!({"Author": [author]})),
        (&["authorId"], json!({"Author": [author]})),
        (&["author", "authorId"], json!({"Author": [author]})),
        (&["author.publisher"], json!({"Author": [author], "Publisher": [publisher]})),
        (&["publisher", "author.publisher"], json!({"Author": [author], "Publisher": [publisher]})),
        (&["author.mentor.publisher"], json!({"Author": [mentor, author], "Publisher": [publisher]})),
        (&["author.books"], json!({"Author": [author], "Book": [here.other]})),
        (&["author.books.author"], json!({"Author": [author], "Book": [here.other]})),
        (
            &["publisher.authors.books"],
            json!({"Author": [mentor, author], "Book": [here.other], "Publisher": [publisher]}),
        ),
        (&["laterBooks", "later_books.author", "reviews", "shelf"], json!({})),
        (&[], json!({})),
    ] {
        assert_eq!(here.ids("Book", book, paths).await, expected, "{paths:?}");
    }
    assert_eq!(here.ids("Author", author, &["books"]).await, json!({"Book": [book, here.other]}));
    assert_eq!(here.ids("Author", mentor, &["students.mentor.students"]).await, json!({"Author": [author]}));
}

#[tokio::test]
async fn related_records_are_as_a_get_shows_them() {
    let here = shelfful().await;
    let view = View { read_mask: texts(&["name"]), expand: texts(&["books", "publisher"]) };
    let (author, included) = here.fixture.get_view("Author", &here.author, &view).await.unwrap();
    assert_eq!(author, json!({"name": "a"}));
    let included = related(&included);
    for (model, id) in [("Book", &here.book), ("Book", &here.other), ("Publisher", &here.publisher)] {
        let (whole, _) = here.fixture.get_view(model, id, &View::default()).await.unwrap();
        let records = included[format!("test.v1.{model}")].as_array().unwrap();
        assert!(records.contains(&whole), "{whole} in {included}");
        assert!(whole.get("note").is_none() && whole.get("censorId").is_none());
        assert_eq!(whole.get("etag").is_some(), model == "Book");
    }
}

#[tokio::test]
async fn what_a_mask_hides_is_included() {
    let here = shelfful().await;
    let view = |mask: &str, path: &str| View { read_mask: texts(&[mask]), expand: texts(&[path]) };
    // The other book refers back to the first, and both are asked for.
    let update = json!({"book": {"id": here.other, "sequelOfId": here.book}, "updateMask": "sequelOfId"});
    here.fixture.call("Book", Update, update).await.unwrap();
    let both = [here.book.clone(), here.other.clone()];
    for (path, reached) in [("sequelOf", &here.book), ("laterBooks", &here.other), ("sequelOf.laterBooks", &here.other)]
    {
        let (_, whole) = here.fixture.batch("Book", &both, &view("*", path)).await.unwrap();
        assert_eq!(related(&whole), json!({}), "{path}");
        let (records, included) = here.fixture.batch("Book", &both, &view("title", path)).await.unwrap();
        assert_eq!(records, [json!({"title": "b"}), json!({"title": "c"})]);
        let (record, _) = here.fixture.get_view("Book", reached, &View::default()).await.unwrap();
        assert!(related(&included)["test.v1.Book"].as_array().unwrap().contains(&record), "{path}");
    }
    // One that refers to itself.
    let update = json!({"author": {"id": here.mentor, "mentorId": here.mentor}, "updateMask": "mentorId"});
    here.fixture.call("Author", Update, update).await.unwrap();
    let (whole, included) = here.fixture.get_view("Author", &here.mentor, &expanding(&["mentor"])).await.unwrap();
    assert_eq!(related(&included), json!({}));
    let (_, included) = here.fixture.get_view("Author", &here.mentor, &view("id", "mentor.mentor")).await.unwrap();
    assert_eq!(related(&included), json!({"test.v1.Author": [whole]}));
    let model = here.fixture.model("Author");
    let query = ListQuery { view: view("name", "mentor"), ..ListQuery::default() };
    let page = here.fixture.records.list(&Caller::from(Principal::root()), &model, &query).await.unwrap();
    assert_eq!(ids(&related(&page.included)), json!({"Author": [here.mentor]}));
}

#[tokio::test]
async fn lists_of_two_versions_have_tokens_of_their_own() {
    let file = |version: &str, more: &str| SourceFile {
        path: format!("test/{version}/models.proto"),
        content: format!(
            "syntax = \"proto3\";\npackage test.{version};\nimport \"groundplan/model/v1/model.proto\";\n\
             message Author {{ option (groundplan.model.v1.model) = {{ id_format: ID_FORMAT_CLIENT_ASSIGNED }}; string id = 1;\n\
             string mentor = 2 [(groundplan.model.v1.field).references = {{ model: \"Author\" inverse: \"students\" }}]; {more} }}"
        ),
    };
    let other = "string other = 3 [(groundplan.model.v1.field).references = { model: \"test.v2.Author\" }];";
    let files = vec![file("v1", other), file("v2", "")];
    let compiled = groundplan_model::compile(Input::Files(files), &StorageNames::default()).unwrap();
    let catalog = groundplan_model::load(1, compiled.catalog.descriptor_set, &compiled.storage_names).unwrap();
    let fixture = Fixture::empty().await;
    let served = Served::compile(catalog).unwrap();
    fixture.prepare(None, served.catalog.clone()).await.unwrap();
    fixture.records.serve(served);
    for version in ["v2", "v1"] {
        let insert = format!("INSERT INTO test_{version}.author (_tenant, _version, id, mentor)");
        fixture
            .query(&format!("{insert} VALUES ('default', 1, 'a', NULL), ('default', 1, 'b', NULL) RETURNING 1"))
            .await;
        let students = "SELECT 'default', 1, m || n::text, m FROM generate_series(1, 101) n, unnest('{a,b}'::text[]) m";
        fixture.query(&format!("{insert} {students} RETURNING 1")).await;
    }
    fixture.query("UPDATE test_v1.author SET other = 'a' WHERE id IN ('a', 'b') RETURNING 1").await;
    let view = expanding(&["students", "other.students"]);
    let (_, included) = fixture.get_view("Author", "a", &view).await.unwrap();
    let keys: Vec<&str> = included.page_tokens.keys().map(String::as_str).collect();
    assert_eq!(keys, ["v1/authors/a/students", "v2/authors/a/students"]);
    let (_, included) = fixture.get_view("Author", "b", &view).await.unwrap();
    let keys: Vec<&str> = included.page_tokens.keys().map(String::as_str).collect();
    assert_eq!(keys, ["authors/a/students", "authors/b/students"]);
}

#[tokio::test]
async fn what_is_no_relation_is_refused_with_the_nearest() {
    let here = shelfful().await;
    let many: Vec<String> = (0..21).map(|_| "author".to_owned()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let long = "x".repeat(100_000);
    for (model, paths, words) in [
        ("Book", &["auhtor"][..], "\"auhtor\" is not a relation of test.v1.Book; did you mean author?"),
        (
            "Book",
            &["title"],
            "\"title\" is not a relation of test.v1.Book; it has author, publisher, shelf, sequel_of, later_books",
        ),
        (
            "Book",
            &["author.boks"],
            "the path \"author.boks\", but \"boks\" is not a relation of test.v1.Author; did you mean books?",
        ),
        ("Book", &["censor"], "\"censor\" is not a relation"),
        ("Book", &["author.censored"], "\"censored\" is not a relation"),
        ("Book", &[""], "\"\" is not a relation"),
        ("Book", &["author."], "\"\" is not a relation"),
        ("Book", &["*"], "\"*\" is not a relation"),
        ("Book", &["author.books.author.books"], "more than 3 steps"),
        ("Book", &[long.as_str()], "is not a relation"),
        ("Book", &many, "21 paths; at most 20"),
    ] {
        let error = here.fixture.get_view(model, &here.book, &expanding(paths)).await.unwrap_err();
        assert_eq!(error.reason(), Reason::ExpandInvalid);
        assert!(error.message().contains(words), "{}", error.message());
        assert!(error.message().len() < 600);
    }
}

/// Stores books of an author, by SQL.
async fn books(fixture: &Fixture, author: &str, count: usize, length: usize) {
    let sql = format!(
        "INSERT INTO test_v1.book (_tenant, _version, id, title, author_id) \
         SELECT 'default', 1, gen_random_uuid(), repeat('x', {length}), '{author}' FROM generate_series(1, {count}) RETURNING 1"
    );
    fixture.query(&sql).await;
}

#[tokio::test]
async fn a_way_back_gives_a_hundred_and_a_token() {
    let fixture = library().await;
    let publisher = fixture.make("Publisher", json!({"name": "p"})).await;
    let mut authors = Vec::new();
    for count in [0, 100, 101, 250] {
        let author = fixture.make("Author", json!({"name": "a", "publisherId": publisher})).await;
        books(&fixture, &author, count, 1).await;
        authors.push(author);
    }
    let (_, included) = fixture.get_view("Publisher", &publisher, &expanding(&["authors.books"])).await.unwrap();
    let expected: Vec<String> = authors[2..].iter().map(|author| format!("authors/{author}/books")).collect();
    assert_eq!(included.page_tokens.keys().cloned().collect::<Vec<_>>(), expected);
    let found = related(&included);
    for (author, count) in authors.iter().zip([0, 100, 100, 100]) {
        let books = found["test.v1.Book"].as_array().unwrap().iter().filter(|book| book["authorId"] == author.as_str());
        let sql = format!("SELECT id::text FROM test_v1.book WHERE author_id = '{author}' ORDER BY id LIMIT {count}");
        let first: Vec<String> = fixture.query(&sql).await.iter().map(|row| row.text(0).unwrap().unwrap()).collect();
        assert_eq!(books.map(|book| book["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>(), first);
    }
}

#[tokio::test]
async fn a_token_leads_to_the_rest_of_its_list() {
    let fixture = library().await;
    let author = fixture.make("Author", json!({"name": "a"})).await;
    books(&fixture, &author, 130, 1).await;
    let (_, included) = fixture.get_view("Author", &author, &expanding(&["books"])).await.unwrap();
    let token = included.page_tokens[&format!("authors/{author}/books")].clone();
    let mut seen = ids(&related(&included))["Book"].as_array().unwrap().clone();
    let model = fixture.model("Author");
    let at = model.referrers.iter().position(|referrer| referrer.inverse.as_deref() == Some("books")).unwrap();
    let query = ListQuery { page_token: token, page_size: 100, ..ListQuery::default() };
    let page =
        fixture.records.list_related(&Caller::from(Principal::root()), &model, &author, at, &query).await.unwrap();
    assert!(page.next_page_token.is_empty());
    let book = fixture.model("Book");
    seen.extend(page.records.iter().map(|stored| shown(&book, stored)["id"].clone()));
    let sql = "SELECT id::text FROM test_v1.book ORDER BY id";
    let all: Vec<Value> = fixture.query(sql).await.iter().map(|row| json!(row.text(0).unwrap().unwrap())).collect();
    assert_eq!((seen.len(), seen), (130, all));
}

#[tokio::test]
async fn more_than_an_answer_holds_is_refused() {
    let fixture = library().await;
    let publisher = fixture.make("Publisher", json!({"name": "p"})).await;
    for _ in 0..51 {
        let author = fixture.make("Author", json!({"name": "a", "publisherId": publisher})).await;
        books(&fixture, &author, 100, 1).await;
    }
    let error = fixture.get_view("Publisher", &publisher, &expanding(&["authors.books"])).await.unwrap_err();
    assert_eq!(error.reason(), Reason::TooLarge);
    assert!(
        error.message().contains("5000 records") && error.message().contains("smaller page"),
        "{}",
        error.message()
    );
    fixture.get_view("Publisher", &publisher, &expanding(&["authors"])).await.unwrap();

    let author = fixture.make("Author", json!({"name": "a"})).await;
    books(&fixture, &author, 64, 50_000).await;
    let error = fixture.get_view("Author", &author, &expanding(&["books"])).await.unwrap_err();
    assert_eq!(error.reason(), Reason::TooLarge);
    let sql = "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT r._version%'";
    for _ in 0..1_500 {
        if fixture.query(sql).await.is_empty() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the statement still runs");
}

#[tokio::test]
async fn the_statements_do_not_grow_with_the_records() {
    let fixture = library().await;
    let mut all = Vec::new();
    for at in 0..100 {
        let publisher = fixture.make("Publisher", json!({"name": "p"})).await;
        let author = fixture.make("Author", json!({"name": "a", "publisherId": publisher})).await;
        let book = json!({"title": at.to_string(), "authorId": author, "publisherId": publisher});
        all.push(fixture.make("Book", book).await);
    }
    fixture.query("ALTER SYSTEM SET log_statement = 'all'").await;
    fixture.query("SELECT pg_reload_conf()").await;
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let view = expanding(&["author.publisher", "author.books", "publisher", "shelf"]);
    let mut counts = Vec::new();
    for count in [1, 10, 100] {
        let start = log(&fixture).await.len();
        let (records, included) = fixture.batch("Book", &all[..count], &view).await.unwrap();
        assert_eq!((records.len(), related(&included)["test.v1.Author"].as_array().unwrap().len()), (count, count));
        let log = log(&fixture).await.split_off(start);
        counts.push(log.matches(": SELECT r._version").count());
    }
    // The books; their authors, and the books of these; the publishers, which are those of the authors too.
    assert_eq!(counts, [4, 4, 4]);
}

async fn log(fixture: &Fixture) -> String {
    let sql = "SELECT pg_read_file(current_setting('data_directory') || '/../server.log')";
    fixture.query(sql).await[0].text(0).unwrap().unwrap()
}
