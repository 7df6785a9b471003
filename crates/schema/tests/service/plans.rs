//! Plans: warnings, and uploads that could block or crash a compiler.

use crate::support::{Follower, FollowerBehavior, Process, entity, patient, start};
use groundplan_proto::schema::v1::{Models, PlanRequest, PlanResponse, SourceFile};
use groundplan_testkit::TestDatabase;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

async fn plan(process: &Process, models: Models) -> PlanResponse {
    process.schema.clone().plan(PlanRequest { models: Some(models) }).await.unwrap().into_inner()
}

/// Returns valid files with 60 messages of 12 fields each, and as many files with an unknown type.
fn hostile(count: usize) -> Models {
    let mut models = Models::default();
    let mut add = |path: String, content: String| models.files.push(SourceFile { path, content });
    for at in 0..count {
        let mut text = format!("syntax = \"proto3\"; package p{at}.v1;\n");
        for message in 0..60 {
            write!(text, "message M{message} {{ ").unwrap();
            for field in 1..=12 {
                write!(text, "string f{field} = {field}; ").unwrap();
            }
            text.push_str("}\n");
        }
        add(format!("f{at}_a.proto"), text);
        add(format!("f{at}_b.proto"), format!("syntax = \"proto3\"; package q{at}.v1; message B {{ Nope x = 1; }}"));
    }
    models
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_plan_finishes_and_does_not_delay_others() {
    let test = TestDatabase::new().await;
    let process = start(&test, patient()).await;
    let started = Instant::now();
    let honest = async {
        let plan = plan(&process, entity("  string text = 2;\n")).await;
        (plan.steps.len(), started.elapsed())
    };
    let (error, (steps, waited)) = tokio::join!(plan(&process, hostile(200)), honest);
    assert_eq!(error.diagnostics.len(), 21, "20 files, and that the others were not tried");
    assert!(steps > 0 && waited < Duration::from_secs(20), "{waited:?}");
    assert!(started.elapsed() < Duration::from_secs(50), "{:?}", started.elapsed());
}

#[tokio::test]
async fn an_invalid_descriptor_set_is_a_diagnostic() {
    let test = TestDatabase::new().await;
    let process = start(&test, patient()).await;
    // An empty syntax: prost-reflect panics on it.
    let descriptor_set = b"\x0a\x0e\x0a\x0agood.proto\x62\x00".to_vec();
    let plan = plan(&process, Models { descriptor_set, ..Models::default() }).await;
    assert_eq!(plan.diagnostics[0].code, "DESCRIPTOR_SET_INVALID");
    assert_eq!(plan.diagnostics[0].file, "good.proto");
}

#[tokio::test]
async fn a_plan_warns_of_stricter_rules_and_can_be_applied() {
    let test = TestDatabase::new().await;
    let process = start(&test, patient()).await;
    let _follower = Follower::start(&process, "records-1", FollowerBehavior::Done);
    process.apply_to_the_end(entity("  string text = 2;\n")).await.unwrap();
    let mut stricter = entity("  string text = 2 [(google.api.field_behavior) = REQUIRED];\n");
    let file = stricter.files.first_mut().unwrap();
    file.content = file.content.replace("import ", "import \"google/api/field_behavior.proto\";\nimport ");
    let plan = plan(&process, stricter.clone()).await;
    assert_eq!(plan.diagnostics, []);
    let [warning] = plan.warnings.as_slice() else { panic!("{:?}", plan.warnings) };
    assert_eq!((warning.code.as_str(), warning.line), ("STRICTER_RULE", 9));
    assert!(
        warning.message.contains("example.v1.Entity.text") && warning.message.contains("not checked"),
        "{warning:?}"
    );
    process.apply_to_the_end(stricter).await.unwrap();
}
