//! Each migration can be reverted and repeated.

use diesel_async::AsyncMigrationHarness;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use groundplan_testkit::TestDatabase;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

#[tokio::test(flavor = "multi_thread")]
async fn migrations_are_reversible() {
    let connection = TestDatabase::new().await.connect().await;
    let migrate = move || {
        let mut harness = AsyncMigrationHarness::new(connection);
        let made = harness.run_pending_migrations(MIGRATIONS).unwrap().len();
        assert_eq!(harness.revert_all_migrations(MIGRATIONS).unwrap().len(), made);
        assert_eq!(harness.run_pending_migrations(MIGRATIONS).unwrap().len(), made);
        assert_eq!(made, 3);
    };
    tokio::task::spawn_blocking(migrate).await.unwrap();
}
