//! `groundplan plan`: shows what an apply would change, and diagnostics.

use crate::client::Client;
use crate::diagnostics;
use crate::error::{CliError, print_as_json};
use crate::models::{Models, Paths};
use crate::output::{Output, is_terminal, print, print_error};
use groundplan_proto::schema::v1::{PlanRequest, PlanResponse, Step, StepKind};
use serde_json::{Value, json};

/// Show the changes that an apply of these models would make, and all errors in the models
///
/// Requests the steps, in order, or all errors from the suite. Changes nothing.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct Args {
    #[command(flatten)]
    paths: Paths,
    /// Output format. With json, one line: the plan with its diagnostics, or the error
    #[arg(long, value_enum, default_value_t)]
    output: Output,
    /// Print the SQL of each step too
    #[arg(long)]
    sql: bool,
    #[command(flatten)]
    client: Client,
}

pub(crate) async fn run(args: Args) -> Result<(), CliError> {
    let outcome = plan(&args).await;
    print_as_json(args.output, &outcome)?;
    outcome
}

async fn plan(args: &Args) -> Result<(), CliError> {
    let models = args.paths.read()?;
    let plan = request_plan(&args.client, &models).await?;
    match args.output {
        Output::Json => print(json(&plan))?,
        Output::Text if plan.diagnostics.is_empty() => {
            print(text(&plan, args.sql))?;
            print_warnings(&plan, &models);
        }
        Output::Text => print(diagnostics::text(&plan.diagnostics, &models, is_terminal()))?,
    }
    if plan.diagnostics.is_empty() { Ok(()) } else { Err(CliError::invalid_models()) }
}

/// Prints the warnings of a plan.
pub(crate) fn print_warnings(plan: &PlanResponse, models: &Models) {
    if !plan.warnings.is_empty() {
        print_error(format_args!("{}", diagnostics::warnings(&plan.warnings, models, is_terminal())));
    }
}

/// Requests a plan from the suite.
pub(crate) async fn request_plan(client: &Client, models: &Models) -> Result<PlanResponse, CliError> {
    let request = PlanRequest { models: Some(models.to_request()) };
    let response = client.announced_schema_client()?.plan(request).await;
    response.map(tonic::Response::into_inner).map_err(|status| client.status_error(&status))
}

/// Formats a plan for people.
pub(crate) fn text(plan: &PlanResponse, with_sql: bool) -> String {
    if plan.steps.is_empty() {
        return match plan.base_revision {
            0 => "Nothing to do: there are no models".to_owned(),
            revision => format!("Nothing to do: revision {revision} is live and has these models"),
        };
    }
    let from = match plan.base_revision {
        0 => "nothing".to_owned(),
        revision => format!("revision {revision}"),
    };
    let count = match plan.steps.len() {
        1 => "1 step".to_owned(),
        count => format!("{count} steps"),
    };
    let mut lines = vec![format!("Plan: {count} from {from}")];
    for step in &plan.steps {
        lines.push(format!("  {} {}", mark(step.kind()), step.description));
        if with_sql {
            lines.extend(step.sql.lines().map(|line| format!("      {line}")));
        }
    }
    lines.join("\n")
}

fn mark(kind: StepKind) -> char {
    match kind {
        StepKind::AddModel | StepKind::AddField | StepKind::AddIndex | StepKind::AddReference => '+',
        StepKind::ChangeDefinition => '~',
        StepKind::Unspecified => '?',
    }
}

/// Formats a plan for programs: the fields of PlanResponse, in lowerCamelCase.
fn json(plan: &PlanResponse) -> Value {
    let step_json = |step: &Step| {
        let kind = step.kind().as_str_name().trim_start_matches("STEP_KIND_");
        json!({ "kind": kind, "subject": step.subject, "description": step.description, "sql": step.sql })
    };
    json!({
        "baseRevision": plan.base_revision,
        "steps": plan.steps.iter().map(step_json).collect::<Vec<_>>(),
        "diagnostics": diagnostics::json(&plan.diagnostics),
        "services": plan.services,
        "warnings": diagnostics::json(&plan.warnings),
    })
}

#[cfg(test)]
mod tests {
    use super::{json, text};
    use groundplan_proto::schema::v1::{PlanResponse, Step, StepKind};

    fn plan() -> PlanResponse {
        let step = Step {
            kind: StepKind::AddModel.into(),
            subject: "a.v1.B".to_owned(),
            description: "serve a.v1.B".to_owned(),
            sql: "CREATE TABLE b ();\nCOMMENT ON TABLE b IS 'b';".to_owned(),
        };
        PlanResponse { base_revision: 2, steps: vec![step], ..PlanResponse::default() }
    }

    #[test]
    fn text_shows_steps_and_optional_sql() {
        assert_eq!(text(&plan(), false), "Plan: 1 step from revision 2\n  + serve a.v1.B");
        assert!(text(&plan(), true).ends_with("\n      COMMENT ON TABLE b IS 'b';"));
        assert!(text(&PlanResponse::default(), true).starts_with("Nothing to do"));
    }

    #[test]
    fn json_has_all_fields() {
        let json = json(&plan());
        assert_eq!((&json["baseRevision"], &json["steps"][0]["kind"]), (&2.into(), &"ADD_MODEL".into()));
        assert!(json["diagnostics"].as_array().unwrap().is_empty());
    }
}
