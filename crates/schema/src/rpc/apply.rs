//! `Apply`: begins a rollout and watches it.

use super::Messages;
use crate::draft::{Draft, Verdict};
use crate::error::{models_invalid, plan_not_supported, status};
use crate::input;
use crate::rollout;
use crate::service::Schema;
use futures_util::{StreamExt, stream};
use groundplan_error::Error;
use groundplan_proto::schema::v1::{ApplyRequest, ApplyResponse};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

/// Progress beyond this, that the caller has not read yet, is left out.
const UNREAD_UPDATES: usize = 64;

pub(super) async fn run(schema: &Schema, request: ApplyRequest) -> Result<Messages<ApplyResponse>, Status> {
    if request.base_revision < 0 {
        return Err(status(Error::field("base_revision", "int64.gte", "must not be negative")));
    }
    let input = input::checked(request.models).map_err(status)?;
    let draft = Draft::new(schema, input, request.base_revision).await.map_err(status)?;
    let planned = match draft.verdict {
        Verdict::Invalid(diagnostics) => return Err(models_invalid(&diagnostics)),
        Verdict::Unsupported(diagnostics) => return Err(plan_not_supported(&diagnostics)),
        Verdict::Planned(planned) => planned,
    };
    let (sender, receiver) = mpsc::channel(UNREAD_UPDATES);
    if planned.plan.steps.is_empty() {
        schema.rollouts.spawn(rollout::unchanged(schema.clone(), draft.base, sender));
    } else {
        schema.rollouts.spawn(rollout::run(schema.clone(), draft.base, planned, sender));
    }
    let mut updates = ReceiverStream::new(receiver);
    // Whoever loses against another apply hears it as the answer itself, not as the end of a stream.
    match updates.next().await {
        Some(Ok(first)) => Ok(Box::pin(stream::iter([Ok(first)]).chain(updates))),
        Some(Err(refusal)) => Err(refusal),
        None => Err(status(Error::internal("the rollout ended without a response"))),
    }
}
