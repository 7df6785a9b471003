//! Undoes what failed revisions left in the tables of the live one.
//!
//! A failed preparation undoes its changes. A revision can also fail after a complete preparation, or after its process died,
//! because its apply lost its lease. Then the tables keep unique indexes and foreign keys that the live revision does not have.

use super::peer::Peer;
use super::{load_on_thread, schema_unavailable};
use crate::state::Records;

use groundplan_error::Error;
use groundplan_proto::schema::v1::{Revision, RevisionState};

/// Withdraws the revisions that failed since the previous live revision. Does nothing while a revision is in preparation, because
/// it might need the same objects.
///
/// # Errors
/// `NOT_READY` if `schema` does not respond, and the errors of the storage.
pub(super) async fn withdraw(records: &Records, schema: &Peer) -> Result<(), Error> {
    for number in failed(&schema.newest().await.map_err(schema_unavailable)?) {
        let Ok(served) = records.served() else { return Ok(()) };
        let Some(revision) = schema.revision(number).await.map_err(schema_unavailable)? else { continue };
        let live = served.catalog.clone();
        let leftovers =
            match load_on_thread(&revision, move |failed| Ok(groundplan_model::find_leftovers(&live, &failed))).await {
                Ok(leftovers) => leftovers,
                Err(error) => {
                    // Its changes cannot be determined.
                    tracing::debug!(revision = number, error = error.log_text(), "a failed revision cannot be loaded");
                    continue;
                }
            };
        if leftovers.is_empty() {
            continue;
        }
        // Checked again under the lock: later preparations wait for the lock.
        let is_settled = async || {
            let newest = schema.newest().await.map_err(schema_unavailable)?;
            let live = newest.iter().find(|revision| revision.state() == RevisionState::Live);
            Ok::<bool, Error>(
                failed(&newest).contains(&number) && live.is_some_and(|live| live.number == served.revision()),
            )
        };
        groundplan_storage::withdraw(records.database(), number, &leftovers, is_settled).await?;
    }
    Ok(())
}

/// Returns the failed revisions whose storage is not needed: none if the newest revision is in preparation.
fn failed(newest: &[Revision]) -> Vec<i64> {
    if newest.first().is_some_and(|revision| revision.state() == RevisionState::Preparing) {
        return Vec::new();
    }
    let mut lives = 0;
    let since_previous_live = newest.iter().take_while(|revision| {
        lives += u8::from(revision.state() == RevisionState::Live);
        lives < 2
    });
    let failed = since_previous_live.filter(|revision| revision.state() == RevisionState::Failed);
    failed.map(|revision| revision.number).collect()
}

#[cfg(test)]
mod tests {
    use super::RevisionState::{Failed, Live, Preparing};
    use super::*;

    #[test]
    fn revisions_that_failed_since_the_previous_live_one_are_withdrawn() {
        let of = |states: &[RevisionState]| {
            let numbered = states.iter().rev().zip(1..).map(|(state, number)| Revision {
                number,
                state: (*state).into(),
                ..Revision::default()
            });
            let mut newest: Vec<Revision> = numbered.collect();
            newest.reverse();
            failed(&newest)
        };
        assert_eq!(of(&[Failed, Live]), [2]);
        assert_eq!(of(&[Live, Failed, Failed, Live, Failed]), [4, 3]);
        assert_eq!(of(&[Failed, Failed]), [2, 1]);
        assert_eq!(of(&[Preparing, Failed, Live]), [0; 0]);
        assert_eq!(of(&[Live, Live, Failed]), [0; 0]);
    }
}
