//! What comes back with a record, and what the purge may take away.

use super::commits::{of, write};
use super::{commit, count, fixture, refusal};
use crate::purge;
use crate::purge::retries::Retries;
use crate::tests::fixture::Fixture;
use groundplan_model::catalog::MethodKind::{Create, Delete, Get, Undelete, Update};
use groundplan_proto::records::v1::write::Operation;
use groundplan_proto::records::v1::{self};
use serde_json::{Value, json};
use tonic::{Code, Status};

impl Fixture {
    async fn add(&self, model: &str, record: Value) {
        let field = self.model(model).singular_field.clone();
        self.call(model, Create, json!({ field: record })).await.unwrap();
    }

    async fn soft_delete(&self, model: &str, id: &str) {
        self.call(model, Delete, json!({"id": id})).await.unwrap();
    }

    async fn bring_back(&self, model: &str, id: &str) -> Result<Value, Status> {
        self.call(model, Undelete, json!({"id": id})).await
    }

    /// Reports whether a record exists and is not deleted.
    async fn lives(&self, model: &str, id: &str) -> bool {
        let found = self.call(model, Get, json!({"id": id})).await;
        found.is_ok_and(|record| record.get("deletedAt").is_none())
    }

    /// Lets the retention of what is deleted end.
    async fn age(&self, table: &str) {
        let sql =
            format!("UPDATE test_v1.{table} SET deleted_at = now() - interval '31 days' WHERE deleted_at IS NOT NULL");
        self.query(&sql).await;
    }

    async fn purge(&self) -> usize {
        purge::round(&self.records, &mut Retries::default()).await.unwrap()
    }
}

/// A team, a coach, and a player of both.
async fn team() -> Fixture {
    let fixture = fixture().await;
    fixture.add("Team", json!({"id": "t"})).await;
    fixture.add("Coach", json!({"id": "c"})).await;
    fixture.add("Player", json!({"id": "p", "team": "t", "owner": "c"})).await;
    fixture
}

#[tokio::test]
async fn nothing_comes_back_that_refers_to_what_is_deleted() {
    let fixture = team().await;
    fixture.soft_delete("Team", "t").await;
    fixture.soft_delete("Coach", "c").await;
    let status = fixture.bring_back("Team", "t").await.unwrap_err();
    assert_eq!((status.code(), refusal(&status).1), (Code::InvalidArgument, vec!["owner".to_owned()]), "{status:?}");
    for words in ["test.v1.Player \"p\"", "test.v1.Coach \"c\", which is deleted; undelete that first"] {
        assert!(status.message().contains(words), "{}", status.message());
    }
    assert!(!fixture.lives("Team", "t").await && !fixture.lives("Player", "p").await, "all or nothing");
    fixture.bring_back("Coach", "c").await.unwrap();
    assert!(!fixture.lives("Player", "p").await, "it was deleted with the team");
    fixture.bring_back("Team", "t").await.unwrap();
    assert!(fixture.lives("Player", "p").await);
}

#[tokio::test]
async fn one_commit_brings_back_what_belongs_together() {
    let fixture = team().await;
    fixture.soft_delete("Team", "t").await;
    fixture.soft_delete("Coach", "c").await;
    let back = |model: &str, id: &str| {
        let undelete = v1::Undelete { model: format!("test.v1.{model}"), id: id.into(), ..v1::Undelete::default() };
        write(Operation::Undelete(undelete), "")
    };
    commit(&fixture, of(vec![back("Team", "t"), back("Coach", "c")])).await.unwrap();
    assert!(fixture.lives("Player", "p").await);
}

#[tokio::test]
async fn a_reference_that_will_be_cleared_keeps_nothing_away() {
    let fixture = team().await;
    fixture.add("Coach", json!({"id": "d"})).await;
    fixture.call("Player", Update, json!({"player": {"id": "p", "fan": "d"}})).await.unwrap();
    fixture.soft_delete("Coach", "d").await;
    assert!(fixture.lives("Player", "p").await);
    fixture.soft_delete("Team", "t").await;
    fixture.bring_back("Team", "t").await.unwrap();
    fixture.age("coach").await;
    assert_eq!(fixture.purge().await, 1);
    let player = fixture.call("Player", Get, json!({"id": "p"})).await.unwrap();
    assert_eq!(player, json!({"id": "p", "team": "t", "owner": "c"}), "it lives, and its reference is cleared");
}

#[tokio::test]
async fn a_purge_takes_the_deleted_and_nothing_that_lives() {
    let fixture = team().await;
    fixture.add("Player", json!({"id": "q", "team": "t"})).await;
    fixture.soft_delete("Team", "t").await;
    // As a database may have it that an earlier version has written: one lives, and refers to what is deleted.
    fixture.query("UPDATE test_v1.player SET deleted_at = NULL WHERE id = 'p'").await;
    fixture.age("team").await;
    fixture.age("player").await;
    assert_eq!(fixture.purge().await, 1, "one player is over, and its team is kept");
    assert!(fixture.lives("Player", "p").await);
    assert_eq!((count(&fixture, "test_v1.team").await, count(&fixture, "test_v1.player").await), (1, 1));
    fixture.bring_back("Team", "t").await.unwrap();
    assert!(fixture.lives("Team", "t").await);
}

#[tokio::test]
async fn what_has_ended_is_kept_by_what_lives_and_refers_to_it() {
    let fixture = fixture().await;
    fixture.add("Visit", json!({"id": "v"})).await;
    fixture.add("Contract", json!({"id": "k", "visit": "v"})).await;
    fixture.query("UPDATE test_v1.visit SET expires_at = now() - interval '1 second'").await;
    assert_eq!(fixture.purge().await, 0);
    assert!(fixture.lives("Contract", "k").await);
    fixture.soft_delete("Contract", "k").await;
    assert_eq!(fixture.purge().await, 1);
}

/// Returns the number of transactions of a round of the purge that might write.
async fn transactions(fixture: &Fixture, retries: &mut Retries) -> i64 {
    use groundplan_chassis::database::Columns as _;
    let sql = "SELECT pg_current_xact_id()::text::bigint";
    let before = fixture.query(sql).await[0].i64(0).unwrap().unwrap();
    purge::round(&fixture.records, retries).await.unwrap();
    fixture.query(sql).await[0].i64(0).unwrap().unwrap() - before
}

#[tokio::test]
async fn what_is_held_is_not_tried_again_and_again() {
    let fixture = fixture().await;
    let mut retries = Retries::default();
    fixture
        .query(
            "INSERT INTO test_v1.visit (_tenant, _version, id, expires_at, note) \
             SELECT 'default', 1, 'v' || n, now() - interval '1 hour', '' FROM generate_series(1, 300) n",
        )
        .await;
    fixture
        .query(
            "INSERT INTO test_v1.contract (_tenant, _version, id, visit) \
             SELECT 'default', 1, 'c' || n, 'v' || n FROM generate_series(1, 300) n",
        )
        .await;
    assert!(transactions(&fixture, &mut retries).await < 50, "nobody tries what something alive keeps");
    // A chain: the player would go with its team, and is kept by its contract.
    for at in 0..60 {
        fixture.add("Team", json!({"id": format!("t{at}")})).await;
        fixture.add("Player", json!({"id": format!("p{at}"), "team": format!("t{at}")})).await;
        fixture.soft_delete("Team", &format!("t{at}")).await;
        let contract = format!(
            "INSERT INTO test_v1.contract (_tenant, _version, id, player) VALUES ('default', 1, 'k{at}', 'p{at}')"
        );
        fixture.query(&contract).await;
    }
    fixture.age("team").await;
    assert!(transactions(&fixture, &mut retries).await >= 60, "each is tried once");
    // The service's task also purges, and tries each once.
    let mut fewest = i64::MAX;
    for _ in 0..3 {
        fewest = fewest.min(transactions(&fixture, &mut retries).await);
    }
    assert!(fewest < 50, "and then it waits: {fewest}");
    assert_eq!(count(&fixture, "test_v1.team").await, 60);
}
