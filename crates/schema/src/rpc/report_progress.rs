//! `ReportProgress`: records the progress of a follower, and that it is alive.

use crate::service::Schema;
use crate::store::followers::{self, Follower};
use groundplan_error::{Error, Violation};
use groundplan_proto::schema::v1::{ReportProgressRequest, ReportProgressResponse};
use std::time::Duration;

/// The time without a report after which a follower is deleted.
const FORGET_AFTER: Duration = Duration::from_secs(60);
/// The maximum length of a follower's texts, in bytes; longer ones are truncated.
const MAX_TEXT: usize = 4_096;
const MAX_FOLLOWER: usize = 128;

pub(super) async fn report_progress(
    schema: &Schema,
    request: ReportProgressRequest,
) -> Result<ReportProgressResponse, Error> {
    let leaving = request.leaving;
    let follower = checked_follower(request)?;
    schema
        .query(async |connection| {
            if leaving {
                followers::delete(connection, &follower.id).await?;
            } else {
                follower.upsert(connection).await?;
            }
            followers::delete_not_seen(connection, FORGET_AFTER).await
        })
        .await?;
    schema.reported.send_replace(());
    Ok(ReportProgressResponse {})
}

/// Checks the id of a follower.
fn check_follower_id(follower: &str) -> Option<Violation> {
    let violation = |rule: &'static str, description: &str| {
        Some(Violation { field: "follower".to_owned(), description: description.to_owned(), rule: rule.into() })
    };
    match follower {
        "" => violation("required", "is required"),
        long if long.len() > MAX_FOLLOWER => violation("string.max_bytes", "must be at most 128 bytes"),
        text if text.chars().any(char::is_control) => {
            violation("string.pattern", "must not contain control characters")
        }
        _ => None,
    }
}

fn checked_follower(request: ReportProgressRequest) -> Result<Follower, Error> {
    let preparation = request.preparation.unwrap_or_default();
    let not_negative = |field: &str, negative: bool| {
        let description = "must not be negative".to_owned();
        negative.then(|| Violation { field: field.to_owned(), description, rule: "gte".into() })
    };
    let violations: Vec<Violation> = [
        check_follower_id(&request.follower),
        not_negative("serving", request.serving < 0),
        not_negative("preparation.revision", preparation.revision < 0),
        not_negative("preparation.steps_done", preparation.steps_done < 0),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !violations.is_empty() {
        return Err(Error::invalid(violations));
    }
    Ok(Follower {
        id: request.follower,
        serving: request.serving,
        preparing: preparation.revision,
        steps_done: preparation.steps_done,
        message: truncate_text(&preparation.message),
        done: preparation.done,
        failure: truncate_text(&preparation.failure),
    })
}

/// Truncates a text and replaces NUL, which PostgreSQL does not support.
fn truncate_text(text: &str) -> String {
    let end = text.floor_char_boundary(MAX_TEXT);
    text.get(..end).unwrap_or_default().replace('\0', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use groundplan_proto::schema::v1::Preparation;

    #[test]
    fn all_violations_are_reported() {
        let preparation = Some(Preparation { revision: -1, steps_done: -1, ..Preparation::default() });
        let request = ReportProgressRequest { serving: -1, preparation, ..ReportProgressRequest::default() };
        let error = checked_follower(request).unwrap_err();
        let fields: Vec<&str> = error.violations().iter().map(|violation| violation.field.as_str()).collect();
        assert_eq!(fields, ["follower", "serving", "preparation.revision", "preparation.steps_done"]);
        assert!(check_follower_id(&"f".repeat(129)).is_some());
        assert!(check_follower_id("a\0b").is_some());
        assert!(check_follower_id("records-0-1-5f0c3d2a").is_none());
    }

    #[test]
    fn texts_are_truncated_and_have_no_nul() {
        assert_eq!(truncate_text("a\0b"), "a\u{fffd}b");
        assert_eq!(truncate_text(&"é".repeat(3_000)).len(), MAX_TEXT);
        assert_eq!(truncate_text(&format!("x{}", "é".repeat(3_000))).len(), MAX_TEXT - 1);
    }
}
