//! Reading revisions by number and in pages.

use crate::support::{Process, patient, reason_and_metadata, start};
use groundplan_chassis::database::Bind;
use groundplan_proto::schema::v1::{ListRevisionsRequest, ListRevisionsResponse, RevisionState};
use groundplan_testkit::TestDatabase;
use tonic::{Code, Status};

/// Inserts failed revisions.
async fn failed_revisions(process: &Process, count: i64) {
    let sql = "INSERT INTO revisions (number, state, descriptor_set, steps, failure)
               SELECT number, 3, '', '[]', 'on purpose' FROM generate_series(1, ?::bigint) AS number";
    process.sql(sql, &[Bind::i64(count)]).await;
}

async fn list(process: &Process, page_size: i32, page_token: &str) -> Result<ListRevisionsResponse, Status> {
    let request = ListRevisionsRequest { page_size, page_token: page_token.into() };
    process.schema.clone().list_revisions(request).await.map(tonic::Response::into_inner)
}

fn numbers(page: &ListRevisionsResponse) -> Vec<i64> {
    page.revisions.iter().map(|revision| revision.number).collect()
}

#[tokio::test]
async fn lists_come_in_pages() {
    let test = TestDatabase::new().await;
    let process = start(&test, patient()).await;
    assert_eq!(list(&process, 0, "").await.unwrap(), ListRevisionsResponse::default());
    failed_revisions(&process, 1_001).await;
    let (mut all, mut token) = (Vec::new(), String::new());
    loop {
        let page = list(&process, 300, &token).await.unwrap();
        all.extend(numbers(&page));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(all, (1..=1_001).rev().collect::<Vec<_>>());
    assert_eq!(list(&process, 0, "").await.unwrap().revisions.len(), 50);
    assert_eq!(list(&process, i32::MAX, "").await.unwrap().revisions.len(), 1_000);
    // The last page is exactly full: no page follows it.
    let almost_all = list(&process, 1_000, "").await.unwrap();
    let exact = list(&process, 1, &almost_all.next_page_token).await.unwrap();
    assert_eq!((numbers(&exact), exact.next_page_token.as_str()), (vec![1], ""));
    assert_eq!(
        (exact.revisions[0].state(), exact.revisions[0].failure.as_str()),
        (RevisionState::Failed, "on purpose")
    );

    assert_eq!(list(&process, -1, "").await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn page_tokens_are_sealed() {
    let test = TestDatabase::new().await;
    let process = start(&test, patient()).await;
    failed_revisions(&process, 3).await;
    let token = list(&process, 1, "").await.unwrap().next_page_token;
    assert_eq!(numbers(&list(&process, 1, &token).await.unwrap()), [2]);
    // Another process of the service accepts the token too.
    let other = start(&test, patient()).await;
    assert_eq!(numbers(&list(&other, 2, &token).await.unwrap()), [2, 1]);
    let changed = format!("{}{}", if token.starts_with('A') { "B" } else { "A" }, &token[1..]);
    let tail = process.tail("").await.unwrap().message().await.unwrap().unwrap().token;
    for forged in ["r2", "2", "x", "é", &changed, &tail, &"A".repeat(100_000)] {
        let error = list(&process, 0, forged).await.unwrap_err();
        let reason = (Code::InvalidArgument, "PAGE_TOKEN_INVALID".to_owned());
        assert_eq!((error.code(), reason_and_metadata(&error, "").0), reason, "{}", forged.len());
    }
}

#[tokio::test]
async fn a_revision_that_does_not_exist_is_not_found() {
    let test = TestDatabase::new().await;
    let process = start(&test, patient()).await;
    for number in [0, 1, i64::MAX] {
        let error = process.revision(number).await.unwrap_err();
        assert_eq!((error.code(), reason_and_metadata(&error, "").0), (Code::NotFound, "REVISION_NOT_FOUND".into()));
    }
    assert_eq!(process.revision(-1).await.unwrap_err().code(), Code::InvalidArgument);
}
