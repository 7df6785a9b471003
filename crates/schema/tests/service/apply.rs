//! Applies, from the plan until all followers serve the revision, with conflicts and failures.

mod followers;
mod recovery;

use crate::support::{Follower, FollowerBehavior, entity, file, patient, reason_and_metadata, start};
use groundplan_proto::schema::v1::{
    ApplyPhase, ApplyRequest, ApplyResponse, PlanRequest, ReportProgressRequest, RevisionState, StepKind,
};
use groundplan_testkit::TestDatabase;
use tonic::Code;
use tonic_types::StatusExt;

const FIELD1: &str = "  string field1 = 2;\n";
const FIELD2: &str = "  double field2 = 3;\n";

fn last(responses: &[ApplyResponse]) -> (ApplyPhase, i64, bool) {
    let last = responses.last().expect("a successful apply sends a response");
    (last.phase(), last.revision, last.changed)
}

#[tokio::test]
async fn the_first_apply_is_served_and_a_repeated_one_changes_nothing() {
    let test = TestDatabase::new().await;
    let process = start(&test, patient()).await;
    let _follower = Follower::start(&process, "records-1", FollowerBehavior::Done);
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
    let follower = Follower::start(&two, "records-1", FollowerBehavior::Working);
    let (first, second) = tokio::join!(one.apply(entity(FIELD1)), two.apply(entity(FIELD2)));
    let (mut winner, loser) = match (first, second) {
        (Ok(winner), Err(loser)) | (Err(loser), Ok(winner)) => (winner, loser),
        (first, second) => panic!("not one of them won: {:?} {:?}", first.err(), second.err()),
    };
    assert_eq!(loser.code(), Code::Aborted);
    assert_eq!(reason_and_metadata(&loser, "revision"), ("REVISION_CONFLICT".into(), "1".into()));
    let mut phases = vec![winner.message().await.unwrap().unwrap().phase()];
    while phases.last() != Some(&ApplyPhase::Storage) {
        phases.push(winner.message().await.unwrap().unwrap().phase());
    }
    follower.behavior.send_replace(FollowerBehavior::Done);
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

    let error = process.apply(wrong).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    let expected = ("MODELS_INVALID".to_owned(), plan.diagnostics.len().to_string());
    assert_eq!(reason_and_metadata(&error, "diagnostics"), expected);
    let details = error.get_error_details();
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
    assert_eq!((nothing.code(), reason_and_metadata(&nothing, "").0), (Code::InvalidArgument, "INVALID_FIELDS".into()));
    let negative = ApplyRequest { models: Some(entity(FIELD1)), base_revision: -1 };
    assert_eq!(process.schema.clone().apply(negative).await.unwrap_err().code(), Code::InvalidArgument);
    let huge = process.apply(file("huge.proto", &" ".repeat(10 << 20))).await.unwrap_err();
    assert_eq!((huge.code(), reason_and_metadata(&huge, "").0), (Code::InvalidArgument, "MODELS_INVALID".into()));
    let nobody = process.distribution.clone().report_progress(ReportProgressRequest::default()).await.unwrap_err();
    assert_eq!(nobody.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn unsupported_steps_are_rejected() {
    let test = TestDatabase::new().await;
    let process = start(&test, patient()).await;
    let _follower = Follower::start(&process, "records-1", FollowerBehavior::Done);
    process.apply_to_the_end(entity(&format!("{FIELD1}{FIELD2}"))).await.unwrap();
    let plan = PlanRequest { models: Some(entity("  int64 field1 = 2;\n")) };
    let plan = process.schema.clone().plan(plan).await.unwrap().into_inner();
    assert!(plan.diagnostics.len() >= 2, "a changed type and a dropped field: {:?}", plan.diagnostics);

    let error = process.apply(entity("  int64 field1 = 2;\n")).await.unwrap_err();
    assert_eq!(error.code(), Code::FailedPrecondition);
    assert_eq!(reason_and_metadata(&error, "diagnostics").0, "PLAN_NOT_SUPPORTED");
    let details = error.get_error_details();
    assert_eq!(details.precondition_failure().unwrap().violations.len(), plan.diagnostics.len());
    assert_eq!(process.revision(2).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn a_failed_step_fails_the_revision_and_the_next_apply_continues() {
    let test = TestDatabase::new().await;
    let process = start(&test, patient()).await;
    let follower =
        Follower::start(&process, "records-1", FollowerBehavior::Fail("two records have the same isbn".into()));
    let failed = process.apply_to_the_end(entity(FIELD1)).await.unwrap_err();
    assert_eq!((failed.code(), reason_and_metadata(&failed, "").0), (Code::FailedPrecondition, "STEP_FAILED".into()));
    assert_eq!(failed.message(), "two records have the same isbn");
    let revision = process.revision(1).await.unwrap();
    assert_eq!(
        (revision.state(), revision.failure.as_str()),
        (RevisionState::Failed, "two records have the same isbn")
    );
    assert_eq!(process.revision(0).await.unwrap_err().code(), Code::NotFound);

    follower.behavior.send_replace(FollowerBehavior::Done);
    let responses = process.apply_to_the_end(entity("  string renamed = 2;\n")).await.unwrap();
    assert_eq!(last(&responses), (ApplyPhase::Live, 2, true));
    let names = process.revision(2).await.unwrap().storage_names;
    let name = names.iter().find(|name| name.message == "example.v1.Entity" && name.number == 2).unwrap();
    assert_eq!(name.name, "field1", "the failed revision fixed the name");
}

#[tokio::test]
async fn a_wrong_base_is_rejected() {
    let test = TestDatabase::new().await;
    let process = start(&test, patient()).await;
    let _follower = Follower::start(&process, "records-1", FollowerBehavior::Done);
    let request = |base_revision| ApplyRequest { models: Some(entity(FIELD1)), base_revision };
    let error = process.schema.clone().apply(request(1)).await.unwrap_err();
    assert_eq!(reason_and_metadata(&error, "revision"), ("REVISION_CONFLICT".into(), "0".into()));
    process.apply_to_the_end(entity(FIELD1)).await.unwrap();
    let error = process.schema.clone().apply(request(7)).await.unwrap_err();
    assert_eq!(error.code(), Code::Aborted);
    assert_eq!(reason_and_metadata(&error, "revision"), ("REVISION_CONFLICT".into(), "1".into()));
    assert!(process.schema.clone().apply(request(1)).await.is_ok());
}
