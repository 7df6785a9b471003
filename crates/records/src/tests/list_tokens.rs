//! Page tokens: each for its list, its tenant and its time.

use super::fixture::Fixture;
use super::list_keyset::{MODELS, fill};
use crate::Settings;
use crate::operations::list;
use groundplan_error::{Error, Reason};
use groundplan_identity::Principal;
use groundplan_operations::{ListQuery, Page, View};
use std::time::Duration;

async fn rows(settings: Settings, source: &str) -> Fixture {
    let fixture = Fixture::with_settings(settings).await;
    fixture.apply(1, source).await.unwrap();
    fixture.query(&fill(40)).await;
    fixture
}

async fn read(fixture: &Fixture, principal: &Principal, query: &ListQuery) -> Result<Page, Error> {
    list(&fixture.operation(principal, "Row"), query, None).await
}

fn query(filter: &str, order_by: &str) -> ListQuery {
    ListQuery { filter: filter.into(), order_by: order_by.into(), page_size: 3, ..ListQuery::default() }
}

#[tokio::test]
async fn token_is_invalid_for_a_changed_query() {
    let fixture = rows(Settings::default(), MODELS).await;
    let (root, stranger) = (Principal::root(), Principal { tenant: "other".into(), ..Principal::root() });
    let first = query("bucket >= 0", "title, rank desc");
    let token = read(&fixture, &root, &first).await.unwrap().next_page_token;
    assert!(!token.is_empty());
    let with = |query: ListQuery| ListQuery { page_token: token.clone(), ..query };
    let masked = View { read_mask: vec!["title".into()], ..View::default() };
    for same in [
        first.clone(),
        ListQuery { page_size: 7, skip: 2, ..first.clone() },
        ListQuery { view: masked, allow_scan: true, ..first.clone() },
    ] {
        assert!(read(&fixture, &root, &with(same)).await.is_ok());
    }
    for other in [
        query("", "title, rank desc"),
        query("bucket >= 1", "title, rank desc"),
        query("bucket >= 0", "title, rank"),
        query("bucket >= 0", "title"),
        query("bucket >= 0", "rank desc, title"),
        query("bucket >= 0", "title, rank desc, id desc"),
        query("bucket >= 0", ""),
    ] {
        let refused = read(&fixture, &root, &with(other.clone())).await.unwrap_err();
        assert_eq!(refused.reason(), Reason::PageTokenInvalid, "{other:?}");
    }
    let refused = read(&fixture, &stranger, &with(first)).await.unwrap_err();
    assert_eq!(refused.reason(), Reason::PageTokenInvalid);
}

#[tokio::test]
async fn tokens_expire() {
    let settings = Settings { page_token_lifetime: Duration::from_millis(50), ..Settings::default() };
    let fixture = rows(settings, MODELS).await;
    let root = Principal::root();
    let first = query("", "title");
    let token = read(&fixture, &root, &first).await.unwrap().next_page_token;
    tokio::time::sleep(Duration::from_millis(60)).await;
    let refused = read(&fixture, &root, &ListQuery { page_token: token, ..first }).await.unwrap_err();
    assert_eq!(refused.reason(), Reason::PageTokenExpired);
}

#[tokio::test]
async fn token_remains_valid_after_a_compatible_apply() {
    let fixture = rows(Settings::default(), MODELS).await;
    let root = Principal::root();
    for order in ["", "weight desc", "rank desc", "title, bucket"] {
        let first = query("", order);
        let all = read(&fixture, &root, &ListQuery { page_size: 40, ..first.clone() }).await.unwrap().records;
        let token = read(&fixture, &root, &first).await.unwrap().next_page_token;
        // With the index on the rank, new lists sort ids in the other direction.
        let with_index = MODELS.replace("indexes: { fields: \"seen_at\" }", "indexes: { fields: \"rank desc\" }");
        fixture.apply(2, &with_index.replace("uint64 big", "string more = 20; uint64 big")).await.unwrap();
        let rest = ListQuery { page_token: token, page_size: 40, ..first };
        let rest = read(&fixture, &root, &rest).await.unwrap().records;
        let etags = |records: &[groundplan_codec::Stored]| -> Vec<String> {
            let id = fixture.model("Row").roles.id;
            records.iter().map(|stored| format!("{:?}", stored.record.get(id))).collect()
        };
        assert_eq!(etags(&rest), etags(&all[3..]), "{order}");
        fixture.apply(3, MODELS).await.unwrap();
    }
}

#[tokio::test]
async fn now_is_the_time_of_the_first_page() {
    let fixture = rows(Settings::default(), MODELS).await;
    let root = Principal::root();
    fixture.query("UPDATE test_v1.row SET seen_at = now() + interval '1 hour' RETURNING 1").await;
    let first = query("seen_at > now", "title");
    let page = read(&fixture, &root, &first).await.unwrap();
    // After the first page, and before a new list.
    fixture.query("UPDATE test_v1.row SET seen_at = now() RETURNING 1").await;
    assert!(read(&fixture, &root, &first).await.unwrap().records.is_empty());
    let rest = ListQuery { page_token: page.next_page_token, page_size: 1_000, ..first };
    assert_eq!(read(&fixture, &root, &rest).await.unwrap().records.len(), 37);
}

#[tokio::test]
async fn order_by_values_too_long_for_a_token_is_an_error() {
    let fixture = rows(Settings::default(), MODELS).await;
    let root = Principal::root();
    fixture.query("UPDATE test_v1.row SET note = repeat('x', 10000) RETURNING 1").await;
    let refused = read(&fixture, &root, &query("", "note")).await.unwrap_err();
    assert_eq!((refused.reason(), refused.violations()[0].field.as_str()), (Reason::OrderInvalid, "order_by"));
    let whole = ListQuery { page_size: 100, ..query("", "note") };
    assert_eq!(read(&fixture, &root, &whole).await.unwrap().records.len(), 40);
}
