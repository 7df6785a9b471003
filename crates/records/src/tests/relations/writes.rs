use super::{library, violations};
use groundplan_model::catalog::MethodKind::Update;
use serde_json::{Value, json};
use tonic::Code;

const NOBODY: &str = "0198c0de-7a5e-7c3b-9d41-0242ac120002";

#[tokio::test]
async fn all_references_to_nothing_are_named_at_once() {
    let fixture = library().await;
    let author = fixture.make("Author", json!({"name": "a"})).await;
    let book = json!({"title": "t", "authorId": author, "publisherId": NOBODY, "shelf": "nowhere"});
    let status = fixture.create("Book", book).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let expected = [
        ("publisher_id", format!("publisher_id refers to test.v1.Publisher {NOBODY:?}, which does not exist")),
        ("shelf", "Shelf refers to test.v1.Shelf \"nowhere\", which does not exist".to_owned()),
    ];
    assert_eq!(violations(&status), expected.map(|(field, text)| (field.to_owned(), text)));
    assert_eq!(fixture.count("Book").await, 0);

    let book = fixture.create("Book", json!({"title": "t", "authorId": author})).await.unwrap();
    for mask in ["authorId", "*"] {
        let update = json!({"book": {"id": book["id"], "title": "u", "authorId": NOBODY}, "updateMask": mask});
        let status = fixture.call("Book", Update, update).await.unwrap_err();
        assert_eq!(violations(&status)[0].0, "author_id", "{mask}");
    }
    assert_eq!(fixture.read("Book", book["id"].as_str().unwrap()).await.unwrap(), book);
}

#[tokio::test]
async fn references_are_kept_in_the_form_of_ids() {
    let fixture = library().await;
    let author = fixture.make("Author", json!({"name": "a"})).await;
    let book = fixture.create("Book", json!({"title": "t", "authorId": author.to_uppercase()})).await.unwrap();
    assert_eq!(book["authorId"], author.as_str());
    let id = book["id"].as_str().unwrap();
    assert_eq!(fixture.read("Book", id).await.unwrap(), book);
    let update = json!({"book": {"id": id, "publisherId": "", "authorId": author.to_uppercase()}});
    assert_eq!(fixture.call("Book", Update, update).await.unwrap()["authorId"], author.as_str());
    for wrong in ["x", &author.replace('-', ""), &format!("{{{author}}}")] {
        let status = fixture.create("Book", json!({"title": "t", "authorId": wrong, "shelf": "s"})).await.unwrap_err();
        let violations = violations(&status);
        assert_eq!((violations.len(), violations[0].0.as_str()), (1, "author_id"), "{wrong}");
        assert!(violations[0].1.contains("must be a UUID"), "{violations:?}");
    }
}

#[tokio::test]
async fn an_empty_reference_is_none() {
    let fixture = library().await;
    let author = fixture.create("Author", json!({"name": "a", "mentorId": "", "publisherId": ""})).await.unwrap();
    assert!(author.get("mentorId").is_none() && author.get("publisherId").is_none());
    let id = author["id"].as_str().unwrap();
    assert_eq!(fixture.read("Author", id).await.unwrap(), author);
    assert_eq!(
        fixture.query("SELECT 1 FROM test_v1.author WHERE mentor_id IS NULL AND publisher_id IS NULL").await.len(),
        1
    );
    let update = json!({"author": {"id": id, "mentorId": id}, "updateMask": "mentorId"});
    assert_eq!(fixture.call("Author", Update, update).await.unwrap()["mentorId"], id);
    let update = json!({"author": {"id": id, "mentorId": ""}, "updateMask": "mentorId"});
    assert_eq!(fixture.call("Author", Update, update).await.unwrap().get("mentorId"), None::<&Value>);
}

#[tokio::test]
async fn a_record_may_refer_to_itself_from_the_start() {
    let fixture = library().await;
    let book = json!({"id": NOBODY, "title": "t", "sequelOfId": NOBODY});
    let created = fixture.create("Book", book.clone()).await.unwrap();
    assert_eq!(created["sequelOfId"], NOBODY);
    let other = "0198c0de-7a5e-7c3b-9d41-0242ac120003";
    let status =
        fixture.create("Book", json!({"id": other, "sequelOfId": other, "authorId": other})).await.unwrap_err();
    assert_eq!(violations(&status).iter().map(|(field, _)| field.as_str()).collect::<Vec<_>>(), ["author_id"]);
}

#[tokio::test]
async fn records_of_others_are_not_there() {
    let fixture = library().await;
    let sql = format!("INSERT INTO test_v1.author (_tenant, _version, id) VALUES ('other', 1, '{NOBODY}') RETURNING 1");
    fixture.query(&sql).await;
    let status = fixture.create("Book", json!({"title": "t", "authorId": NOBODY})).await.unwrap_err();
    assert_eq!(violations(&status)[0].0, "author_id");
}

#[tokio::test]
async fn a_foreign_key_that_is_not_ours_is_named() {
    let fixture = library().await;
    let sql = "ALTER TABLE test_v1.book ADD CONSTRAINT theirs FOREIGN KEY (_tenant, title) REFERENCES test_v1.shelf (_tenant, id)";
    fixture.query(sql).await;
    let status = fixture.create("Book", json!({"title": "t"})).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().contains("theirs"), "{}", status.message());
    fixture.make("Shelf", json!({"id": "t"})).await;
    fixture.make("Book", json!({"title": "t"})).await;
    let status = fixture.delete("Shelf", "t").await.unwrap_err();
    assert_eq!(super::reason(&status), "RECORD_REFERENCED");
    assert!(status.message().contains("theirs"), "{}", status.message());
}

#[tokio::test]
async fn what_is_created_meanwhile_is_found_by_another_attempt() {
    let fixture = library().await;
    let author = fixture.make("Author", json!({"name": "a"})).await;
    let constraint = &fixture.model("Book").references[0].constraint;
    // The foreign key rejects each first attempt, as if the author were created just after it. Sequences are not rolled back.
    for sql in [
        "CREATE SEQUENCE test_v1.attempts".to_owned(),
        format!(
            "CREATE FUNCTION test_v1.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             IF nextval('test_v1.attempts') % 2 = 1 THEN \
             RAISE foreign_key_violation USING CONSTRAINT = '{constraint}', MESSAGE = 'refused'; END IF; RETURN NEW; END $$"
        ),
        "CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON test_v1.book FOR EACH ROW EXECUTE FUNCTION test_v1.refuse()"
            .to_owned(),
    ] {
        fixture.query(&sql).await;
    }
    let book = fixture.make("Book", json!({"title": "t", "authorId": author})).await;
    let update = json!({"book": {"id": book, "title": "u"}, "updateMask": "title"});
    assert_eq!(fixture.call("Book", Update, update).await.unwrap()["title"], "u");
    assert_eq!(fixture.query("SELECT 1 FROM test_v1.attempts WHERE last_value = 4").await.len(), 1);
}
