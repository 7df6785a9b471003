//! `Plan`: says what an apply would do.

use crate::convert;
use crate::draft::{Draft, Verdict};
use crate::input;
use crate::service::Schema;
use groundplan_error::Error;
use groundplan_model::Plan;
use groundplan_proto::schema::v1::{PlanRequest, PlanResponse};

pub(super) async fn run(schema: &Schema, request: PlanRequest) -> Result<PlanResponse, Error> {
    let input = input::checked(request.models)?;
    let draft = Draft::new(schema, input, 0).await?;
    let (plan, diagnostics) = match draft.verdict {
        Verdict::Planned(planned) => (planned.plan, Vec::new()),
        Verdict::Invalid(diagnostics) | Verdict::Unsupported(diagnostics) => (Plan::default(), diagnostics),
    };
    Ok(PlanResponse {
        base_revision: draft.base,
        steps: plan.steps.iter().map(convert::step).collect(),
        diagnostics: diagnostics.into_iter().map(convert::diagnostic).collect(),
        services: draft.services,
        warnings: plan.warnings.into_iter().map(convert::diagnostic).collect(),
    })
}
