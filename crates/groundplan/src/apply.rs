//! `groundplan apply`: plans, applies the models and reports the served revision.

mod live;
mod progress;

use crate::client::Client;
use crate::error::{CliError, print_as_json};
use crate::models::{Models, Paths};
use crate::output::{Output, is_terminal, print, print_error};
use crate::{diagnostics, plan};
use groundplan_proto::schema::v1::{ApplyPhase, ApplyRequest, ApplyResponse, PlanResponse};
use progress::Progress;
use serde_json::json;
use tonic::Status;

/// Apply models, and serve them immediately
///
/// Prints the plan, applies it, and shows the progress. Fails if another apply became live in between. Applying the
/// models that are live changes nothing. Ctrl-C stops the progress output; the apply continues.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct Args {
    #[command(flatten)]
    paths: Paths,
    /// Output format. With json, each line is one step of the progress. The last line has the phase LIVE, the
    /// diagnostics, or the error
    #[arg(long, value_enum, default_value_t)]
    output: Output,
    #[command(flatten)]
    client: Client,
}

pub(crate) async fn run(args: Args) -> Result<(), CliError> {
    let outcome = apply(&args).await;
    print_as_json(args.output, &outcome)?;
    outcome
}

async fn apply(args: &Args) -> Result<(), CliError> {
    let models = args.paths.read()?;
    let plan = plan::request_plan(&args.client, &models).await?;
    if !plan.diagnostics.is_empty() {
        match args.output {
            Output::Json => print(json!({ "diagnostics": diagnostics::json(&plan.diagnostics) }))?,
            Output::Text => {
                print_error(format_args!("{}", diagnostics::text(&plan.diagnostics, &models, is_terminal())))
            }
        }
        return Err(CliError::invalid_models());
    }
    if args.output == Output::Text {
        print(plan::text(&plan, false))?;
        plan::print_warnings(&plan, &models);
    }
    let last = apply_and_follow(args, &models, &plan).await?;
    live::print_result(args, &last).await
}

/// Applies the models and shows the progress until the apply is live.
async fn apply_and_follow(args: &Args, models: &Models, plan: &PlanResponse) -> Result<ApplyResponse, CliError> {
    let status_error = |status: &Status| args.client.status_error(status);
    let request = ApplyRequest { models: Some(models.to_request()), base_revision: plan.base_revision };
    let mut client = args.client.schema_client()?;
    let mut updates = client.apply(request).await.map_err(|status| status_error(&status))?.into_inner();
    let mut progress = Progress::new(args.output);
    while let Some(update) = updates.message().await.map_err(|status| status_error(&status))? {
        if update.phase() == ApplyPhase::Live {
            progress.finish(&update)?;
            return Ok(update);
        }
        progress.show(&update)?;
    }
    Err(CliError::new("the suite ended the apply without a result; apply again to continue where it stopped"))
}
