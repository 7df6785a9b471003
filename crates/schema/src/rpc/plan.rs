//! `Plan`: returns the steps that an apply would execute.

use crate::convert;
use crate::proposal::{PlanOutcome, Proposal};
use crate::service::Schema;
use groundplan_error::Error;
use groundplan_model::Plan;
use groundplan_proto::schema::v1::{PlanRequest, PlanResponse};

pub(super) async fn plan(schema: &Schema, request: PlanRequest) -> Result<PlanResponse, Error> {
    let proposal = Proposal::new(schema, request.models, 0).await?;
    let (plan, diagnostics) = match proposal.outcome {
        PlanOutcome::Planned(planned) => (planned.plan, Vec::new()),
        PlanOutcome::Invalid(diagnostics) | PlanOutcome::Unsupported(diagnostics) => (Plan::default(), diagnostics),
    };
    Ok(PlanResponse {
        base_revision: proposal.base,
        steps: plan.steps.iter().map(convert::step).collect(),
        diagnostics: diagnostics.into_iter().map(convert::diagnostic).collect(),
        services: proposal.services,
        warnings: plan.warnings.into_iter().map(convert::diagnostic).collect(),
    })
}
