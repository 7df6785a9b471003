//! Foreign keys that earlier versions created without `DEFERRABLE`.

use super::fixture::{Fixture, catalog};
use super::references::{TENANT, attempt, book, count, refers};
use groundplan_chassis::database::Columns;
use std::sync::Arc;

#[tokio::test]
async fn foreign_keys_of_earlier_versions_become_deferrable() {
    let fixture = Fixture::empty().await;
    let target = Arc::new(catalog(1, &refers("")));
    fixture.prepare(None, target.clone()).await.unwrap();
    attempt(&fixture, TENANT).await.unwrap();
    attempt(&fixture, &book(1, "a")).await.unwrap();
    let keys =
        "SELECT conname::text FROM pg_constraint WHERE contype = 'f' AND connamespace = 'test_v1'::regnamespace AND ";
    let strict = format!("{keys} NOT condeferrable");
    assert_eq!((count(&fixture, &strict).await, count(&fixture, &format!("{keys} true")).await), (0, 2));
    for row in fixture.query(&format!("{keys} true")).await {
        let name = row.text(0).unwrap().unwrap();
        attempt(&fixture, &format!("ALTER TABLE test_v1.book ALTER CONSTRAINT {name} NOT DEFERRABLE")).await.unwrap();
    }
    assert_eq!(count(&fixture, &strict).await, 2);
    // A starting process completes the storage of the live revision.
    let repaired = crate::repair(fixture.database.clone(), None, target, Box::new(|_, _| {})).await;
    repaired.unwrap();
    assert_eq!(count(&fixture, &strict).await, 0);
    let refused = attempt(&fixture, &book(2, "nowhere")).await.unwrap_err();
    assert!(refused.contains("violates foreign key"), "{refused}");
    attempt(
        &fixture,
        &format!(
            "BEGIN; SET CONSTRAINTS ALL DEFERRED; {}; {}; COMMIT",
            book(3, "d"),
            TENANT.replace("'a'", "'d'").replace("'b'", "'e'").replace("'c'", "'f'")
        ),
    )
    .await
    .unwrap();
}
