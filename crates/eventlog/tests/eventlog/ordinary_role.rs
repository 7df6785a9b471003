//! The log needs no privileges except those of the database's owner.

use crate::support::{keys, number, process, run};
use groundplan_chassis::settings::Secret;
use groundplan_testkit::TestDatabase;

#[tokio::test]
async fn an_ordinary_role_can_use_the_log() {
    let test = TestDatabase::new().await;
    let mut connection = test.connect().await;
    run(&mut connection, "CREATE ROLE ordinary LOGIN").await;
    let owner = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I OWNER TO ordinary', current_database()); END $$";
    run(&mut connection, owner).await;
    let url = test.url();
    let separator = if url.expose().contains('?') { '&' } else { '?' };
    // The test server authenticates only the user of the operating system; each session changes its role.
    let url = Secret::new(format!("{}{separator}options=-c%20role%3Dordinary", url.expose()));
    let process = process(&url).await;
    let mut connection = process.connection().await;
    let is_super = "SELECT (rolsuper OR rolname <> 'ordinary')::int::bigint FROM pg_roles WHERE rolname = current_user";
    assert_eq!(number(&mut connection, is_super).await, 0, "the test is about an ordinary role");
    let (mut batches, _) = process.follow("").await.unwrap();
    process.append(&["a"]).await;
    let (received, token) = keys(&mut batches, 1).await;
    assert_eq!(received, ["a"]);
    process.append(&["b"]).await;
    let (mut again, _) = process.follow(&token).await.unwrap();
    assert_eq!(keys(&mut again, 1).await.0, ["b"]);
}
