//! `Plan`: says what an apply would do.

use crate::convert;
use crate::draft::{Draft, Verdict};
use crate::input;
use crate::service::Schema;
use groundplan_error::Error;
use groundplan_proto::schema::v1::{PlanRequest, PlanResponse};

pub(super) async fn run(schema: &Schema, request: PlanRequest) -> Result<PlanResponse, Error> {
    let input = input::checked(request.models)?;
    let draft = Draft::new(schema, input, 0).await?;
    let (steps, diagnostics) = match draft.verdict {
        Verdict::Planned(planned) => (planned.plan.steps, Vec::new()),
        Verdict::Invalid(diagnostics) | Verdict::Unsupported(diagnostics) => (Vec::new(), diagnostics),
    };
    Ok(PlanResponse {
        base_revision: draft.base,
        steps: steps.iter().map(convert::step).collect(),
        diagnostics: diagnostics.into_iter().map(convert::diagnostic).collect(),
        services: draft.services,
    })
}
