//! Converts types of the model crate and rows to the wire format.

use crate::store::revision_rows::{Revision, timestamp};
use crate::store::storage_names::StorageName;
use groundplan_model::{Execution, Step, StepKind};
use groundplan_proto::schema::v1;
use serde_json::{Value, json};

/// Converts a step.
pub(crate) fn step(step: &Step) -> v1::Step {
    let kind = match step.kind {
        StepKind::AddModel => v1::StepKind::AddModel,
        StepKind::AddField => v1::StepKind::AddField,
        StepKind::AddIndex => v1::StepKind::AddIndex,
        StepKind::AddReference => v1::StepKind::AddReference,
        StepKind::ChangeDefinition => v1::StepKind::ChangeDefinition,
    };
    let statements = step.statements.iter().map(|statement| {
        let note =
            if statement.execution == Execution::InBatches { " -- for some pages of the table at a time" } else { "" };
        format!("{};{note}", statement.sql.trim_end_matches(';'))
    });
    v1::Step {
        kind: kind.into(),
        subject: step.subject.clone(),
        description: step.description.clone(),
        sql: statements.collect::<Vec<_>>().join("\n"),
    }
}

/// Converts steps for the table, with kinds by name, so that SQL queries can read them.
pub(crate) fn steps_to_json(steps: &[Step]) -> Value {
    // PostgreSQL's jsonb does not support NUL.
    let text = |text: String| text.replace('\0', "\u{fffd}");
    let step = |step: v1::Step| {
        json!({
            "kind": step.kind().as_str_name(),
            "subject": text(step.subject),
            "description": text(step.description),
            "sql": text(step.sql),
        })
    };
    steps.iter().map(self::step).map(step).collect()
}

/// Reads steps from the table.
fn steps_from_json(steps: &Value) -> Vec<v1::Step> {
    let text = |step: &Value, key: &str| step.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let step = |step: &Value| v1::Step {
        kind: v1::StepKind::from_str_name(&text(step, "kind")).unwrap_or_default().into(),
        subject: text(step, "subject"),
        description: text(step, "description"),
        sql: text(step, "sql"),
    };
    steps.as_array().map(|steps| steps.iter().map(step).collect()).unwrap_or_default()
}

/// Converts a diagnostic.
pub(crate) fn diagnostic(diagnostic: groundplan_model::Diagnostic) -> v1::Diagnostic {
    v1::Diagnostic {
        code: diagnostic.code.to_owned(),
        message: diagnostic.message,
        help: diagnostic.help,
        file: diagnostic.file,
        line: i32::try_from(diagnostic.line).unwrap_or(i32::MAX),
        column: i32::try_from(diagnostic.column).unwrap_or(i32::MAX),
    }
}

/// Converts a complete revision.
pub(crate) fn revision(revision: Revision, names: Vec<StorageName>) -> v1::Revision {
    let name = |name: StorageName| v1::StorageName { message: name.message, number: name.number, name: name.name };
    v1::Revision {
        number: revision.number,
        state: i32::from(revision.state),
        created_at: Some(timestamp(revision.created_at)),
        descriptor_set: revision.descriptor_set,
        storage_names: names.into_iter().map(name).collect(),
        steps: steps_from_json(&revision.steps),
        failure: revision.failure.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use groundplan_model::{Ddl, Table};

    #[test]
    fn steps_survive_a_round_trip_through_the_table() {
        let ddl = |sql: &str| Ddl {
            sql: sql.into(),
            execution: Execution::InSharedTransaction,
            table: Table { schema: "example_v1".into(), name: "entity".into() },
            creates: None,
        };
        let added = Step {
            kind: StepKind::AddModel,
            subject: "example.v1.Entity".into(),
            description: "a NUL: \0".into(),
            statements: vec![ddl("CREATE SCHEMA a"), ddl("CREATE TABLE a.b ();")],
            undo: Vec::new(),
        };
        let expected = v1::Step { description: "a NUL: \u{fffd}".into(), ..step(&added) };
        assert_eq!(expected.sql, "CREATE SCHEMA a;\nCREATE TABLE a.b ();");
        assert_eq!(steps_from_json(&steps_to_json(&[added])), [expected]);
    }

    #[test]
    fn invalid_steps_are_skipped() {
        assert_eq!(steps_from_json(&json!({"kind": 7})), []);
        assert_eq!(steps_from_json(&json!([{"kind": 7}])), [v1::Step::default()]);
    }
}
