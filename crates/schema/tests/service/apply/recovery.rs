//! Applies during failures of processes and the database.

use super::{FIELD1, last};
use crate::support::{
    Follower, FollowerBehavior, entity, patient, reason_and_metadata, start, start_with_one_connection,
};
use groundplan_proto::schema::v1::{ApplyPhase, Preparation, ReportProgressRequest, RevisionState};
use groundplan_schema::Settings;
use groundplan_testkit::TestDatabase;
use std::time::Duration;
use tonic::Code;

#[tokio::test]
async fn an_apply_survives_a_short_database_outage() {
    let test = TestDatabase::new().await;
    let process = start_with_one_connection(&test, patient()).await;
    // Queries fail while the only connection is in use.
    let outage = async || {
        let taken = loop {
            if let Ok(taken) = process.database.lease().await {
                break taken;
            }
        };
        for _ in 0..4 {
            process.database.lease().await.unwrap_err();
        }
        drop(taken);
    };
    let mut stream = process.apply(entity(FIELD1)).await.unwrap();
    assert_eq!(stream.message().await.unwrap().unwrap().phase(), ApplyPhase::Planned);
    outage().await;
    let idle = ReportProgressRequest { follower: "records-2".into(), ..ReportProgressRequest::default() };
    process.report(idle.clone()).await;
    let done = Preparation { revision: 1, done: true, ..Preparation::default() };
    let serving = ReportProgressRequest { follower: "records-1".into(), preparation: Some(done), ..idle.clone() };
    process.report(serving.clone()).await;
    while stream.message().await.unwrap().unwrap().phase() != ApplyPhase::Publishing {}
    outage().await;
    process.report(ReportProgressRequest { leaving: true, ..idle }).await;
    process.report(ReportProgressRequest { serving: 1, ..serving }).await;
    let mut responses = Vec::new();
    while let Some(response) = stream.message().await.unwrap() {
        responses.push(response);
    }
    assert_eq!(last(&responses), (ApplyPhase::Live, 1, true));
}

#[test]
fn the_apply_of_a_killed_process_is_taken_over() {
    let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (killed, alive) = (runtime(), runtime());
    let test = alive.block_on(TestDatabase::new());
    killed.block_on(async {
        let process = start(&test, patient()).await;
        let mut stream = process.apply(entity(FIELD1)).await.unwrap();
        assert_eq!(stream.message().await.unwrap().unwrap().phase(), ApplyPhase::Planned);
    });
    killed.shutdown_background();
    alive.block_on(async {
        let process = start(&test, patient()).await;
        let _follower = Follower::start(&process, "records-1", FollowerBehavior::Done);
        let error = process.apply(entity(FIELD1)).await.unwrap_err();
        assert_eq!(reason_and_metadata(&error, "revision"), ("REVISION_CONFLICT".into(), "1".into()));
        process.sql("UPDATE revisions SET lease_until = now() - interval '1 second'", &[]).await;
        assert_eq!(last(&process.apply_to_the_end(entity(FIELD1)).await.unwrap()), (ApplyPhase::Live, 2, true));
        assert_eq!(process.state(1).await, RevisionState::Failed);
    });
}

#[tokio::test]
async fn an_apply_that_lost_its_lease_gets_an_error() {
    let test = TestDatabase::new().await;
    let settings = Settings { lease: Duration::from_millis(60), ..patient() };
    let (process, other) = (start(&test, settings).await, start(&test, patient()).await);
    let follower = Follower::start(&process, "records-1", FollowerBehavior::Working);
    let mut stream = process.apply(entity(FIELD1)).await.unwrap();
    process.sql("UPDATE revisions SET state = 3, failure = 'taken over', lease_until = NULL", &[]).await;
    let lost = loop {
        if let Err(status) = stream.message().await {
            break status;
        }
    };
    assert_eq!((lost.code(), reason_and_metadata(&lost, "").0), (Code::Aborted, "REVISION_CONFLICT".into()));
    follower.behavior.send_replace(FollowerBehavior::Done);
    assert_eq!(other.revision(1).await.unwrap().failure, "taken over");
}

#[tokio::test]
async fn a_stopping_process_fails_its_applies() {
    let test = TestDatabase::new().await;
    let mut process = start(&test, patient()).await;
    let _follower = Follower::start(&process, "records-1", FollowerBehavior::Working);
    let mut stream = process.apply(entity(FIELD1)).await.unwrap();
    process.stop.cancel();
    let stopped = loop {
        if let Err(status) = stream.message().await {
            break status;
        }
    };
    assert_eq!((stopped.code(), reason_and_metadata(&stopped, "").0), (Code::Unavailable, "NOT_READY".into()));
    while let Some(ended) = process.tasks.join_next().await {
        ended.unwrap();
    }
    assert_eq!(process.state(1).await, RevisionState::Failed);
}
