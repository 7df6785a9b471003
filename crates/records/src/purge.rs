//! The task that takes records away that have ended, or were deleted long enough ago.

pub(crate) mod held;

use crate::call::Call;
use crate::operations::purge;
use crate::purge_lag::Kind;
use crate::served::Served;
use crate::state::Records;
use groundplan_budget::Budget;
use groundplan_error::Error;
use groundplan_identity::Principal;
use groundplan_query::visibility;
use held::Held;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Between two rounds. Reads know what has ended at once; this is for how long it still takes room.
const PAUSE: Duration = Duration::from_secs(5);

/// Who purges, as the event log names it.
const PURGE: &str = "groundplan/purge";

/// Purges, until it is dropped. Several processes may do so: each leaves alone what another has locked.
pub(crate) async fn run(records: &Records) {
    let mut held = Held::default();
    loop {
        tokio::time::sleep(PAUSE.mul_f64(rand::random::<f64>() / 2.0 + 0.75)).await;
        if let Err(error) = round(records, &mut held).await {
            tracing::warn!(error = error.log_text(), "records that are over cannot be purged; trying again");
        }
    }
}

/// Purges what is over now, but for what is held, and gives how many records are gone.
pub(crate) async fn round(records: &Records, held: &mut Held) -> Result<usize, Error> {
    let Ok(served) = records.served() else { return Ok(0) };
    let principal = Principal { tenant: String::new(), name: PURGE.to_owned() };
    let mut all = 0;
    measure(records, &served, &principal).await?;
    for model in served.catalog.models.iter().filter(|model| visibility::can_hide_records(model)) {
        let Some(table) = served.table(model).cloned() else { continue };
        let call = Call { records, principal: &principal, budget: Budget::default(), served: served.clone(), table };
        let name = &model.full_name;
        let mut staying = 0;
        loop {
            let mut over = purge::find(&call, staying).await?;
            let found = over.len();
            over.retain(|one| held.is_due(name, one, Instant::now()));
            let purged = purge::purge(&call, &over).await?;
            all += purged.gone;
            staying += found - purged.gone.min(found);
            for kept in purged.kept {
                held.stays(name, kept, Instant::now());
            }
            if found < purge::MAX_PURGED {
                break;
            }
        }
    }
    measure(records, &served, &principal).await?;
    Ok(all)
}

/// Notes since when the oldest records wait.
async fn measure(records: &Records, served: &Arc<Served>, principal: &Principal) -> Result<(), Error> {
    for kind in [Kind::Deleted, Kind::Expired] {
        let mut oldest = None;
        for model in served.catalog.models.iter().filter(|model| visibility::can_hide_records(model)) {
            let Some(table) = served.table(model).cloned() else { continue };
            let call = Call { records, principal, budget: Budget::default(), served: served.clone(), table };
            let since = purge::waiting_since(&call, kind).await?;
            oldest = oldest.into_iter().chain(since).min();
        }
        records.purge_lag().note(kind, oldest);
    }
    Ok(())
}
