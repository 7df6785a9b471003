//! The task that purges expired records, and soft-deleted records after their retention.

pub(crate) mod retries;

use crate::call::Call;
use crate::operations::purge;
use crate::purge_lag::PurgeKind;
use crate::served::Served;
use crate::state::Records;
use groundplan_budget::Budget;
use groundplan_error::Error;
use groundplan_identity::Principal;
use groundplan_query::visibility;
use retries::Retries;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The pause between two rounds. Reads exclude expired records immediately; until the purge, they only use disk space.
const PAUSE: Duration = Duration::from_secs(5);

/// The principal of purges in the event log.
const PURGE: &str = "groundplan/purge";

/// Purges until it is dropped. Several processes can purge at the same time: each skips records that another has locked.
pub(crate) async fn run(records: &Records) {
    let mut retries = Retries::default();
    loop {
        tokio::time::sleep(PAUSE.mul_f64(rand::random::<f64>() / 2.0 + 0.75)).await;
        if let Err(error) = round(records, &mut retries).await {
            tracing::warn!(error = error.log_text(), "cannot purge expired and deleted records; trying again");
        }
    }
}

/// Purges all due records except those that wait for a retry. Returns the number of purged records.
pub(crate) async fn round(records: &Records, retries: &mut Retries) -> Result<usize, Error> {
    let Ok(served) = records.served() else { return Ok(0) };
    let principal = Principal { tenant: String::new(), name: PURGE.to_owned() };
    let mut all = 0;
    measure(records, &served, &principal).await?;
    for model in served.catalog.models.iter().filter(|model| visibility::can_hide_records(model)) {
        let Some(table) = served.table(model).cloned() else { continue };
        let call = Call { records, principal: &principal, budget: Budget::default(), served: served.clone(), table };
        let name = &model.full_name;
        let mut remaining = 0;
        loop {
            let mut over = purge::find(&call, remaining).await?;
            let found = over.len();
            over.retain(|one| retries.is_due(name, one, Instant::now()));
            let purged = purge::purge(&call, &over).await?;
            all += purged.gone;
            remaining += found - purged.gone.min(found);
            for kept in purged.kept {
                retries.record_failure(name, kept, Instant::now());
            }
            if found < purge::MAX_PURGED {
                break;
            }
        }
    }
    measure(records, &served, &principal).await?;
    Ok(all)
}

/// Updates the metric of the oldest waiting records.
async fn measure(records: &Records, served: &Arc<Served>, principal: &Principal) -> Result<(), Error> {
    for kind in [PurgeKind::Deleted, PurgeKind::Expired] {
        let mut oldest = None;
        for model in served.catalog.models.iter().filter(|model| visibility::can_hide_records(model)) {
            let Some(table) = served.table(model).cloned() else { continue };
            let call = Call { records, principal, budget: Budget::default(), served: served.clone(), table };
            let since = purge::waiting_since(&call, kind).await?;
            oldest = oldest.into_iter().chain(since).min();
        }
        records.purge_lag().set(kind, oldest);
    }
    Ok(())
}
