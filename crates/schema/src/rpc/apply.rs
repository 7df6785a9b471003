//! `Apply`: starts a rollout and streams its progress.

mod rollout;

use super::Messages;
use crate::error::{models_invalid, plan_not_supported, status};
use crate::proposal::{PlanOutcome, Proposal};
use crate::service::Schema;
use futures_util::{StreamExt, stream};
use groundplan_error::Error;
use groundplan_proto::schema::v1::{ApplyRequest, ApplyResponse};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

/// The maximum number of unread progress messages; later ones are dropped.
const UNREAD_UPDATES: usize = 64;

pub(super) async fn apply(schema: &Schema, request: ApplyRequest) -> Result<Messages<ApplyResponse>, Status> {
    if request.base_revision < 0 {
        return Err(status(Error::field("base_revision", "int64.gte", "must not be negative")));
    }
    let proposal = Proposal::new(schema, request.models, request.base_revision).await.map_err(status)?;
    let planned = match proposal.outcome {
        PlanOutcome::Invalid(diagnostics) => return Err(models_invalid(&diagnostics)),
        PlanOutcome::Unsupported(diagnostics) => return Err(plan_not_supported(&diagnostics)),
        PlanOutcome::Planned(planned) => planned,
    };
    let (sender, receiver) = mpsc::channel(UNREAD_UPDATES);
    if planned.plan.steps.is_empty() {
        schema.rollouts.spawn(rollout::confirm_unchanged(schema.clone(), proposal.base, sender));
    } else {
        schema.rollouts.spawn(rollout::run(schema.clone(), proposal.base, planned, sender));
    }
    let mut updates = ReceiverStream::new(receiver);
    // A conflict with another apply is the call's error, not the end of a stream.
    match updates.next().await {
        Some(Ok(first)) => Ok(Box::pin(stream::iter([Ok(first)]).chain(updates))),
        Some(Err(error)) => Err(error),
        None => Err(status(Error::internal("the rollout stopped without a response"))),
    }
}
