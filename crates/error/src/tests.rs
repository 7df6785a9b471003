use crate::{Error, MAX_MESSAGE, MAX_VIOLATIONS, Precondition, Reason, Violation};
use std::collections::HashSet;
use std::time::Duration;
use tonic_types::StatusExt;

/// The body of a REST response.
fn body(error: &Error) -> serde_json::Value {
    serde_json::from_str(&error.to_envelope().1.to_string()).unwrap()
}

fn violation(field: &str) -> Violation {
    Violation { field: field.into(), description: "is required".into(), rule: "required".into() }
}

#[test]
fn reasons_are_unique_and_well_formed() {
    let names: HashSet<&str> = Reason::ALL.iter().map(|reason| reason.name()).collect();
    assert_eq!(names.len(), Reason::ALL.len());
    for name in names {
        assert!(name.len() <= 63 && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'), "{name}");
    }
}

#[test]
fn the_example_of_the_template() {
    let error = Error::invalid(vec![violation("field1")]);
    let (status, envelope) = error.to_envelope();
    assert_eq!(status, 400);
    let beginning = r#"{"error":{"code":"INVALID_INPUT","message":"Field1 is required","details":["#;
    assert!(envelope.to_string().starts_with(beginning), "{envelope}");
    let body = body(&error);
    assert_eq!(body["error"]["code"], "INVALID_INPUT");
    assert_eq!(body["error"]["message"], "Field1 is required");
    assert_eq!(body["error"]["details"][1]["fieldViolations"][0]["field"], "field1");
}

#[test]
fn only_single_words_are_capitalized() {
    let sentence = |field: &str| violation(field).sentence();
    assert_eq!(sentence("title"), "Title is required");
    for field in ["display_name", "displayName", "author.name", "tags[2]", "requests[3].book.title", "line 2: title"] {
        assert_eq!(sentence(field), format!("{field} is required"));
    }
    let unknown = Violation { rule: "unknown_field".into(), ..violation("nam") };
    assert_eq!(unknown.sentence(), "nam is required", "it is as the caller wrote it");
}

#[test]
fn fields_are_renamed_in_violations_and_in_the_sentence() {
    let camel = |field: &str| field.replace("_name", "Name");
    let error = Error::invalid(vec![violation("first_name"), violation("last_name")]).renamed(camel);
    assert_eq!((error.message().as_ref(), error.violations()[1].field.as_str()), ("firstName is required", "lastName"));
    let quoted =
        Error::new(Reason::InvalidFields, "\"first_name\" is required").with_violation(violation("first_name"));
    assert_eq!(quoted.renamed(camel).message(), "\"firstName\" is required");
    let other = Error::new(Reason::NotUnique, "first_name is taken").with_violation(violation("first_name"));
    assert_eq!(other.renamed(camel).message(), "first_name is taken");
    assert_eq!(Error::internal("x").renamed(camel).reason(), Reason::Internal);
}

#[test]
fn both_protocols_have_the_same_details() {
    for &reason in Reason::ALL {
        let error = Error::new(reason, "words")
            .with("key", "value")
            .with_resource("a.v1.B", "7")
            .retry_after(Duration::from_secs(2));
        let (http, body) = (error.to_envelope().0, body(&error));
        let status = error.to_status();
        assert_eq!((http, body["error"]["code"].as_str().unwrap()), reason.rest());
        assert_eq!(status.code(), reason.code().into());
        let details = status.get_error_details();
        assert_eq!(details.error_info().unwrap().reason, reason.name());
        assert_eq!(details.error_info().unwrap().metadata["key"], "value");
        assert_eq!(body["error"]["details"][0]["metadata"]["key"], "value");
        assert_eq!(details.resource_info().unwrap().resource_name, "7");
        assert_eq!(details.retry_info().unwrap().retry_delay, Some(Duration::from_secs(2)));
    }
}

#[test]
fn both_protocols_have_the_rule_of_a_violation() {
    let error = Error::invalid(vec![violation("title")]);
    let details = error.to_status().get_error_details();
    assert_eq!(details.bad_request().unwrap().field_violations[0].reason, "required");
    assert_eq!(body(&error)["error"]["details"][1]["fieldViolations"][0]["reason"], "required");
}

#[test]
fn a_status_converts_back_to_an_error() {
    let status = Error::new(Reason::MalformedRequest, "the words").to_status();
    let error = Error::of_status(&status).unwrap();
    assert_eq!((error.reason(), error.message().as_ref()), (Reason::MalformedRequest, "the words"));
    assert!(Error::of_status(&tonic::Status::new(tonic::Code::Internal, "a library's")).is_none());
}

#[test]
fn preconditions_are_included() {
    let precondition = |at: usize| Precondition {
        kind: "REFERENCE",
        subject: format!("a.v1.B/{at}"),
        description: "c_id refers to it".into(),
    };
    let error = Error::new(Reason::RecordReferenced, "words").with_preconditions((0..100).map(precondition).collect());
    let details = error.to_status().get_error_details();
    let violations = &details.precondition_failure().unwrap().violations;
    assert_eq!((violations.len(), violations[1].r#type.as_str()), (MAX_VIOLATIONS, "REFERENCE"));
    assert_eq!((violations[1].subject.as_str(), violations[1].description.as_str()), ("a.v1.B/1", "c_id refers to it"));
    let violations = &body(&error)["error"]["details"][1]["violations"];
    assert_eq!(violations.as_array().unwrap().len(), MAX_VIOLATIONS);
    assert_eq!(violations[1]["subject"], "a.v1.B/1");
}

#[test]
fn a_cause_is_logged_and_not_sent() {
    let error = Error::internal(std::io::Error::other("password=hunter2"));
    assert!(error.log_text().contains("hunter2"));
    assert!(!error.to_status().to_string().contains("hunter2"));
    assert!(!error.to_envelope().1.to_string().contains("hunter2"));
    assert!(!error.to_string().contains("hunter2"));
}

#[test]
fn responses_are_limited_in_size() {
    let error = Error::invalid((0..10_000).map(|at| violation(&format!("field{at}"))).collect());
    let details = error.to_status().get_error_details();
    assert_eq!(details.bad_request().unwrap().field_violations.len(), MAX_VIOLATIONS);
    assert_eq!(details.error_info().unwrap().metadata["moreViolations"], "true");
    let body = body(&error);
    assert_eq!(body["error"]["details"][1]["fieldViolations"].as_array().unwrap().len(), MAX_VIOLATIONS);
    assert_eq!(body["error"]["details"][0]["metadata"]["moreViolations"], "true");
    let few = Error::invalid((0..MAX_VIOLATIONS).map(|at| violation(&format!("field{at}"))).collect());
    assert!(few.to_status().get_error_details().error_info().unwrap().metadata.is_empty());
    // Long violations are cut to fit into the header; the first one is always included.
    let long = |field: String| Error::invalid((0..100).map(|_| violation(&field)).collect());
    let status = long("x".repeat(90)).to_status();
    let headers = status.details().len() * 4 / 3 + status.message().len();
    assert!((5_000..7_500).contains(&headers), "{headers}");
    assert_eq!(status.get_error_details().error_info().unwrap().metadata["moreViolations"], "true");
    let status = long("x".repeat(5_000)).to_status();
    assert_eq!(status.get_error_details().bad_request().unwrap().field_violations.len(), 1);
    let long = Error::new(Reason::Internal, "é".repeat(MAX_MESSAGE));
    assert!(long.message().len() <= MAX_MESSAGE + "…".len());
}

#[test]
fn the_reference_is_complete() {
    let reference = include_str!("../../../docs/errors.md");
    for reason in Reason::ALL {
        let (status, code) = reason.rest();
        let row = reference.lines().find(|line| line.starts_with(&format!("| `{}` |", reason.name())));
        let row = row.unwrap_or_else(|| panic!("docs/errors.md has no row for {}", reason.name()));
        assert!(row.contains(&format!("| {status} {code} |")), "{row}");
    }
}

#[test]
fn calls_that_were_not_started_are_marked() {
    let starting = Error::new(Reason::NotReady, "starting");
    assert!(starting.to_status().metadata().get("groundplan-untouched").is_none() && !starting.is_not_started());
    let starting = starting.not_started();
    assert_eq!(starting.to_status().metadata().get("groundplan-untouched").unwrap(), "true");
    assert!(starting.is_not_started());
}

#[test]
fn codes_equal_those_of_grpc() {
    for number in 0..=16 {
        let theirs = tonic::Code::from_i32(number);
        let ours = crate::Code::from(theirs);
        assert_eq!((ours as i32, tonic::Code::from(ours)), (number, theirs));
    }
}
