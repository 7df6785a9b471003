//! How an apply waits for followers.

use super::{FIELD1, last};
use crate::support::{Follower, FollowerBehavior, entity, impatient, patient, reason_and_metadata, start};
use groundplan_proto::schema::v1::{ApplyPhase, ReportProgressRequest, RevisionState};
use groundplan_schema::Settings;
use groundplan_testkit::TestDatabase;
use std::time::Duration;
use tonic::Code;

#[tokio::test]
async fn without_records_an_apply_names_the_command_to_start() {
    let test = TestDatabase::new().await;
    let process = start(&test, impatient()).await;
    let error = process.apply_to_the_end(entity(FIELD1)).await.unwrap_err();
    assert_eq!((error.code(), reason_and_metadata(&error, "").0), (Code::Unavailable, "PEER_UNAVAILABLE".into()));
    assert!(error.message().contains("groundplan serve records"), "{}", error.message());
    assert_eq!(process.state(1).await, RevisionState::Failed);
}

#[tokio::test]
async fn an_apply_completes_without_its_caller() {
    let test = TestDatabase::new().await;
    let process = start(&test, patient()).await;
    let follower = Follower::start(&process, "records-1", FollowerBehavior::Working);
    drop(process.apply(entity(FIELD1)).await.unwrap());
    assert_eq!(process.state(1).await, RevisionState::Preparing);
    follower.behavior.send_replace(FollowerBehavior::Done);
    process.until(1, RevisionState::Live).await;
}

#[tokio::test]
async fn an_apply_waits_for_every_follower() {
    let test = TestDatabase::new().await;
    let process = start(&test, patient()).await;
    let _done = Follower::start(&process, "records-1", FollowerBehavior::Done);
    // The follower is alive but serves nothing.
    let idle = ReportProgressRequest { follower: "records-2".into(), ..ReportProgressRequest::default() };
    process.distribution.clone().report_progress(idle.clone()).await.unwrap();
    let mut stream = process.apply(entity(FIELD1)).await.unwrap();
    let mut response = stream.message().await.unwrap().unwrap();
    while !response.message.starts_with("waiting for 1 of 2 ") {
        response = stream.message().await.unwrap().unwrap();
        assert_ne!(response.phase(), ApplyPhase::Live);
        process.distribution.clone().report_progress(idle.clone()).await.unwrap();
    }
    assert_eq!((response.phase(), process.state(1).await), (ApplyPhase::Publishing, RevisionState::Live));
    process.distribution.clone().report_progress(ReportProgressRequest { leaving: true, ..idle }).await.unwrap();
    while response.phase() != ApplyPhase::Live {
        response = stream.message().await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn an_apply_that_times_out_names_the_followers() {
    let test = TestDatabase::new().await;
    let settings = Settings { uptake_timeout: Duration::from_millis(500), ..patient() };
    let process = start(&test, settings).await;
    let idle = |id: &str| ReportProgressRequest { follower: id.into(), ..ReportProgressRequest::default() };
    process.report(idle("records-2")).await;
    let error = process.apply_to_the_end(entity(FIELD1)).await.unwrap_err();
    assert_eq!((error.code(), reason_and_metadata(&error, "").0), (Code::Unavailable, "PEER_UNAVAILABLE".into()));
    let message = "after 0 s, 1 of 1 `records` processes have not started revision 1: records-2; see their logs";
    assert_eq!(error.message(), message);
    let _done = Follower::start(&process, "records-1", FollowerBehavior::Done);
    process.report(idle("records-3")).await;
    let error = process.apply_to_the_end(entity(FIELD1)).await.unwrap_err();
    let message = "after 0 s, 2 of 3 `records` processes do not serve revision 2: records-2, records-3; see their logs";
    assert_eq!(error.message(), message);
}

#[tokio::test]
async fn a_repeated_apply_waits_for_lagging_followers() {
    let test = TestDatabase::new().await;
    let process = start(&test, patient()).await;
    let follower = Follower::start(&process, "records-1", FollowerBehavior::Done);
    process.apply_to_the_end(entity(FIELD1)).await.unwrap();
    let idle = ReportProgressRequest { follower: "records-2".into(), ..ReportProgressRequest::default() };
    process.distribution.clone().report_progress(idle.clone()).await.unwrap();
    let mut stream = process.apply(entity(FIELD1)).await.unwrap();
    let waiting = stream.message().await.unwrap().unwrap();
    assert_eq!((waiting.phase(), waiting.changed), (ApplyPhase::Publishing, false));
    assert!(waiting.message.starts_with("waiting for 1 of 2 "), "{}", waiting.message);
    process.distribution.clone().report_progress(ReportProgressRequest { serving: 1, ..idle.clone() }).await.unwrap();
    let mut responses = Vec::new();
    while let Some(response) = stream.message().await.unwrap() {
        responses.push(response);
    }
    assert_eq!(last(&responses), (ApplyPhase::Live, 1, false));
    // Without followers, the apply does not wait.
    drop(follower);
    for id in ["records-1", "records-2"] {
        let leaving = ReportProgressRequest { follower: id.into(), leaving: true, ..idle.clone() };
        process.distribution.clone().report_progress(leaving).await.unwrap();
    }
    let alone = process.apply_to_the_end(entity(FIELD1)).await.unwrap();
    assert_eq!((alone.len(), last(&alone)), (1, (ApplyPhase::Live, 1, false)));
}
