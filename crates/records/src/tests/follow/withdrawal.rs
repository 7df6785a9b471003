//! Leftovers of failed revisions.

use super::revision;
use super::script::Script;
use crate::tests::fixture::{Fixture, thing};
use groundplan_proto::schema::v1::{Revision, RevisionState};
use std::time::Duration;

/// Returns a file with a model with client-assigned ids, and `Thing` with a field of these options.
fn owned(option: &str, fields: &str) -> String {
    let owner = "message Owner { option (groundplan.model.v1.model) = { id_format: ID_FORMAT_CLIENT_ASSIGNED }; string id = 1; }\n";
    format!("{}{owner}", thing(fields).replace("model) = {}", &format!("model) = {{ {option} }}")))
}

#[tokio::test]
async fn leftovers_of_a_failed_revision_are_undone() {
    const REFERS: &str =
        "string owner = 2 [(groundplan.model.v1.field).references = { model: \"Owner\" }]; string name = 3;";
    const PLAIN: &str = "string owner = 2; string name = 3;";
    let fixture = Fixture::empty().await;
    let script = Script::new();
    script.add(revision(1, RevisionState::Live, &owned("", PLAIN)));
    let mut running = script.follow(&fixture);
    running.ready().await;
    script.serving(1).await;
    let left = async || {
        let sql = "SELECT c.conname::text FROM pg_constraint c WHERE c.contype = 'f' AND c.conrelid = 'test_v1.thing'::regclass \
                   UNION ALL SELECT t.tgname::text FROM pg_trigger t WHERE t.tgrelid = 'test_v1.thing'::regclass AND NOT t.tgisinternal \
                   UNION ALL SELECT i.indexrelid::regclass::text FROM pg_index i WHERE i.indrelid = 'test_v1.thing'::regclass \
                   AND NOT i.indisprimary";
        fixture.query(sql).await.len()
    };
    let before = left().await;
    let unique = owned("indexes: { fields: \"name\" unique: true }", REFERS);
    script.publish(revision(2, RevisionState::Preparing, &unique));
    script.prepared(2).await;
    // The unique index, the index of the reference, its foreign key and its trigger.
    assert_eq!(left().await, before + 4);

    // Its apply lost its lease after a complete preparation.
    script.publish(Revision { state: RevisionState::Failed.into(), ..revision(2, RevisionState::Failed, &unique) });
    wait_until(async || left().await == before).await;

    // Objects that a later revision in preparation needs are kept.
    script.publish(revision(3, RevisionState::Preparing, &unique));
    script.prepared(3).await;
    script.append(2, RevisionState::Failed);
    script.publish(revision(3, RevisionState::Live, &unique));
    script.serving(3).await;
    assert_eq!(left().await, before + 4);
}

/// Waits until a condition is true. The test runner ends it after its timeout.
async fn wait_until(mut holds: impl AsyncFnMut() -> bool) {
    while !holds().await {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
