//! Applies, from the plan until all followers serve the revision, with conflicts and failures.

use crate::support::{
    Follower, Manner, entity, file, impatient, patient, reason_and, start, start_with_one_connection,
};
use groundplan_proto::schema::v1::{
    ApplyPhase, ApplyRequest, ApplyResponse, PlanRequest, Preparation, ReportProgressRequest, RevisionState, StepKind,
};
use groundplan_schema::Settings;
use groundplan_testkit::TestDatabase;
use std::time::Duration;
use tonic::Code;
use tonic_types::StatusExt;

const FIELD1: &str = "  string field1 = 2;\n";
const FIELD2: &str = "  double field2 = 3;\n";

fn last(responses: &[ApplyResponse]) -> (ApplyPhase, i64, bool) {
    let last = responses.last().expect("an apply that succeeds says so");
    (last.phase(), last.revision, last.changed)
}

#[tokio::test]
async fn the_first_apply_is_served_and_a_repeated_one_changes_nothing() {
    let test = TestDatabase::new().await;
    let process = start(&test, patient()).await;
    let _follower = Follower::start(&process, "records-1", Manner::Obey);
    let plan = process.schema.clone().plan(PlanRequest { models: Some(entity(FIELD1)) }).await.unwrap().into_inner();
    assert_eq!(plan.diagnostics, []);
    assert_eq!((plan.base_revision, plan.services), (0, vec!["example.v1.EntityService".to_owned()]));
    assert!(plan.steps.iter().any(|step| step.kind() == StepKind::AddModel && step.sql.contains("CREATE TABLE")));

    let responses = process.apply_to_the_end(entity(FIELD1)).await.unwrap();
    assert_eq!(responses[0].phase(), ApplyPhase::Planned);
    assert_eq!(last(&responses), (ApplyPhase::Live, 1, true));
    let revision = process.revision(0).await.unwrap();
    assert_eq!((revision.number, revision.state()), (1, RevisionState::Live));
    assert_eq!(revision.steps, plan.steps);
    assert!(revision.storage_names.iter().any(|name| (name.number, name.name.as_str()) == (2, "field1")));

    let again = process.apply_to_the_end(entity(FIELD1)).await.unwrap();
    assert_eq!((again.len(), last(&again)), (1, (ApplyPhase::Live, 1, false)));
    let plan = process.schema.clone().plan(PlanRequest { models: Some(entity(FIELD1)) }).await.unwrap().into_inner();
    assert_eq!((plan.base_revision, plan.steps), (1, vec![]));

    let responses = process.apply_to_the_end(entity(&format!("{FIELD1}{FIELD2}"))).await.unwrap();
    assert_eq!(last(&responses), (ApplyPhase::Live, 2, true));
}

#[tokio::test]
async fn of_two_concurrent_applies_one_succeeds_and_one_gets_a_conflict() {
    let test = TestDatabase::new().await;
    // Two processes of the service: no decision depends on memory.
    let (one, two) = (start(&test, patient()).await, start(&test, patient()).await);
    let follower = Follower::start(&two, "records-1", Manner::Hold);
    let (first, second) = tokio::join!(one.apply(entity(FIELD1)), two.apply(entity(FIELD2)));
    let (mut winner, loser) = match (first, second) {
        (Ok(winner), Err(loser)) | (Err(loser), Ok(winner)) => (winner, loser),
        (first, second) => panic!("not one of them won: {:?} {:?}", first.err(), second.err()),
    };
    assert_eq!(loser.code(), Code::Aborted);
    assert_eq!(reason_and(&loser, "revision"), ("REVISION_CONFLICT".into(), "1".into()));
    let mut phases = vec![winner.message().await.unwrap().unwrap().phase()];
    while phases.last() != Some(&ApplyPhase::Storage) {
        phases.push(winner.message().await.unwrap().unwrap().phase());
    }
    follower.manner.send_replace(Manner::Obey);
    while let Some(response) = winner.message().await.unwrap() {
        phases.push(response.phase());
    }
    assert_eq!((phases.first(), phases.last()), (Some(&ApplyPhase::Planned), Some(&ApplyPhase::Live)));
    assert!(phases.is_sorted(), "{phases:?}");
}

#[tokio::test]
async fn invalid_models_get_all_diagnostics_and_change_nothing() {
    let test = TestDatabase::new().await;
    let process = start(&test, patient()).await;
    let wrong = "syntax = \"proto3\";\npackage example.v1;\nimport \"groundplan/model/v1/model.proto\";\n\
         message Book {\n  option (groundplan.model.v1.model) = { indexes: { fields: \"titel\" } };\n  string title = 2;\n}\n\
         message Shelf {\n  option (groundplan.model.v1.model) = {};\n  string theme = 2;\n}\n";
    let wrong = file("example/v1/wrong.proto", wrong);
    let plan = process.schema.clone().plan(PlanRequest { models: Some(wrong.clone()) }).await.unwrap().into_inner();
    assert!(plan.diagnostics.len() >= 3, "{:?}", plan.diagnostics);
    assert!(plan.steps.is_empty());

    let refused = process.apply(wrong).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let expected = ("MODELS_INVALID".to_owned(), plan.diagnostics.len().to_string());
    assert_eq!(reason_and(&refused, "diagnostics"), expected);
    let details = refused.get_error_details();
    let violations = &details.bad_request().unwrap().field_violations;
    let first = &plan.diagnostics[0];
    assert_eq!(violations.len(), plan.diagnostics.len());
    assert_eq!(violations[0].field, format!("{}:{}:{}", first.file, first.line, first.column));
    assert_eq!(violations[0].reason, first.code);
    assert!(violations[0].description.contains(&first.help));
    assert_eq!(process.revision(0).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn invalid_requests_are_rejected() {
    let test = TestDatabase::new().await;
    let process = start(&test, patient()).await;
    let nothing = process.schema.clone().plan(PlanRequest { models: None }).await.unwrap_err();
    assert_eq!((nothing.code(), reason_and(&nothing, "").0), (Code::InvalidArgument, "INVALID_FIELDS".into()));
    let negative = ApplyRequest { models: Some(entity(FIELD1)), base_revision: -1 };
    assert_eq!(process.schema.clone().apply(negative).await.unwrap_err().code(), Code::InvalidArgument);
    let huge = process.apply(file("huge.proto", &" ".repeat(10 << 20))).await.unwrap_err();
    assert_eq!((huge.code(), reason_and(&huge, "").0), (Code::InvalidArgument, "MODELS_INVALID".into()));
    let nobody = process.distribution.clone().report_progress(ReportProgressRequest::default()).await.unwrap_err();
    assert_eq!(nobody.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn unsupported_steps_are_rejected() {
    let test = TestDatabase::new().await;
    let process = start(&test, patient()).await;
    let _follower = Follower::start(&process, "records-1", Manner::Obey);
    process.apply_to_the_end(entity(&format!("{FIELD1}{FIELD2}"))).await.unwrap();
    let plan = PlanRequest { models: Some(entity("  int64 field1 = 2;\n")) };
    let plan = process.schema.clone().plan(plan).await.unwrap().into_inner();
    assert!(plan.diagnostics.len() >= 2, "a changed type and a dropped field: {:?}", plan.diagnostics);

    let refused = process.apply(entity("  int64 field1 = 2;\n")).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(reason_and(&refused, "diagnostics").0, "PLAN_NOT_SUPPORTED");
    let details = refused.get_error_details();
    assert_eq!(details.precondition_failure().unwrap().violations.len(), plan.diagnostics.len());
    assert_eq!(process.revision(2).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn a_failed_step_fails_the_revision_and_the_next_apply_continues() {
    let test = TestDatabase::new().await;
    let process = start(&test, patient()).await;
    let follower = Follower::start(&process, "records-1", Manner::Fail("two records have the same isbn".into()));
    let failed = process.apply_to_the_end(entity(FIELD1)).await.unwrap_err();
    assert_eq!((failed.code(), reason_and(&failed, "").0), (Code::FailedPrecondition, "STEP_FAILED".into()));
    assert_eq!(failed.message(), "two records have the same isbn");
    let revision = process.revision(1).await.unwrap();
    assert_eq!(
        (revision.state(), revision.failure.as_str()),
        (RevisionState::Failed, "two records have the same isbn")
    );
    assert_eq!(process.revision(0).await.unwrap_err().code(), Code::NotFound);

    follower.manner.send_replace(Manner::Obey);
    let responses = process.apply_to_the_end(entity("  string renamed = 2;\n")).await.unwrap();
    assert_eq!(last(&responses), (ApplyPhase::Live, 2, true));
    let names = process.revision(2).await.unwrap().storage_names;
    let name = names.iter().find(|name| name.message == "example.v1.Entity" && name.number == 2).unwrap();
    assert_eq!(name.name, "field1", "the failed revision fixed the name");
}

#[tokio::test]
async fn without_records_an_apply_names_the_command_to_start() {
    let test = TestDatabase::new().await;
    let process = start(&test, impatient()).await;
    let refused = process.apply_to_the_end(entity(FIELD1)).await.unwrap_err();
    assert_eq!((refused.code(), reason_and(&refused, "").0), (Code::Unavailable, "PEER_UNAVAILABLE".into()));
    assert!(refused.message().contains("groundplan serve records"), "{}", refused.message());
    assert_eq!(process.state(1).await, RevisionState::Failed);
}

#[tokio::test]
async fn an_apply_completes_without_its_caller() {
    let test = TestDatabase::new().await;
    let process = start(&test, patient()).await;
    let follower = Follower::start(&process, "records-1", Manner::Hold);
    drop(process.apply(entity(FIELD1)).await.unwrap());
    assert_eq!(process.state(1).await, RevisionState::Preparing);
    follower.manner.send_replace(Manner::Obey);
    process.until(1, RevisionState::Live).await;
}

#[tokio::test]
async fn an_apply_waits_for_every_follower() {
    let test = TestDatabase::new().await;
    let process = start(&test, patient()).await;
    let _obeying = Follower::start(&process, "records-1", Manner::Obey);
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
    let refused = process.apply_to_the_end(entity(FIELD1)).await.unwrap_err();
    assert_eq!((refused.code(), reason_and(&refused, "").0), (Code::Unavailable, "PEER_UNAVAILABLE".into()));
    let words = "after 0 s, 1 of 1 `records` processes have not started revision 1: records-2; see their logs";
    assert_eq!(refused.message(), words);
    let _obeying = Follower::start(&process, "records-1", Manner::Obey);
    process.report(idle("records-3")).await;
    let refused = process.apply_to_the_end(entity(FIELD1)).await.unwrap_err();
    let words = "after 0 s, 2 of 3 `records` processes do not serve revision 2: records-2, records-3; see their logs";
    assert_eq!(refused.message(), words);
}

#[tokio::test]
async fn a_repeated_apply_waits_for_lagging_followers() {
    let test = TestDatabase::new().await;
    let process = start(&test, patient()).await;
    let follower = Follower::start(&process, "records-1", Manner::Obey);
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

#[tokio::test]
async fn an_apply_survives_a_short_database_outage() {
    let test = TestDatabase::new().await;
    let process = start_with_one_connection(&test, patient()).await;
    // Queries fail while the only connection is in use.
    let trouble = async || {
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
    trouble().await;
    let idle = ReportProgressRequest { follower: "records-2".into(), ..ReportProgressRequest::default() };
    process.report(idle.clone()).await;
    let done = Preparation { revision: 1, done: true, ..Preparation::default() };
    let serving = ReportProgressRequest { follower: "records-1".into(), preparation: Some(done), ..idle.clone() };
    process.report(serving.clone()).await;
    while stream.message().await.unwrap().unwrap().phase() != ApplyPhase::Publishing {}
    trouble().await;
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
        let _follower = Follower::start(&process, "records-1", Manner::Obey);
        let refused = process.apply(entity(FIELD1)).await.unwrap_err();
        assert_eq!(reason_and(&refused, "revision"), ("REVISION_CONFLICT".into(), "1".into()));
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
    let follower = Follower::start(&process, "records-1", Manner::Hold);
    let mut stream = process.apply(entity(FIELD1)).await.unwrap();
    process.sql("UPDATE revisions SET state = 3, failure = 'taken over', lease_until = NULL", &[]).await;
    let lost = loop {
        if let Err(status) = stream.message().await {
            break status;
        }
    };
    assert_eq!((lost.code(), reason_and(&lost, "").0), (Code::Aborted, "REVISION_CONFLICT".into()));
    follower.manner.send_replace(Manner::Obey);
    assert_eq!(other.revision(1).await.unwrap().failure, "taken over");
}

#[tokio::test]
async fn a_wrong_base_is_rejected() {
    let test = TestDatabase::new().await;
    let process = start(&test, patient()).await;
    let _follower = Follower::start(&process, "records-1", Manner::Obey);
    let request = |base_revision| ApplyRequest { models: Some(entity(FIELD1)), base_revision };
    let refused = process.schema.clone().apply(request(1)).await.unwrap_err();
    assert_eq!(reason_and(&refused, "revision"), ("REVISION_CONFLICT".into(), "0".into()));
    process.apply_to_the_end(entity(FIELD1)).await.unwrap();
    let refused = process.schema.clone().apply(request(7)).await.unwrap_err();
    assert_eq!(refused.code(), Code::Aborted);
    assert_eq!(reason_and(&refused, "revision"), ("REVISION_CONFLICT".into(), "1".into()));
    assert!(process.schema.clone().apply(request(1)).await.is_ok());
}

#[tokio::test]
async fn a_stopping_process_fails_its_applies() {
    let test = TestDatabase::new().await;
    let mut process = start(&test, patient()).await;
    let _follower = Follower::start(&process, "records-1", Manner::Hold);
    let mut stream = process.apply(entity(FIELD1)).await.unwrap();
    process.stop.cancel();
    let stopped = loop {
        if let Err(status) = stream.message().await {
            break status;
        }
    };
    assert_eq!((stopped.code(), reason_and(&stopped, "").0), (Code::Unavailable, "NOT_READY".into()));
    while let Some(ended) = process.tasks.join_next().await {
        ended.unwrap();
    }
    assert_eq!(process.state(1).await, RevisionState::Failed);
}
