//! Takes back what revisions that failed have left in the tables of the live one.
//!
//! A preparation that fails cleans up after itself. One that is complete, or whose process died, can fail all the same: its
//! apply lost its lease. Then its unique indexes and foreign keys would be enforced in no revision that anybody serves.

use super::peer::Peer;
use super::{apart, silent};
use crate::state::Records;

use groundplan_error::Error;
use groundplan_proto::schema::v1::{Revision, RevisionState};

/// Withdraws the revisions that have failed since the live one before the present one. Does nothing while one is prepared:
/// that may need the same.
pub(super) async fn withdraw(records: &Records, schema: &Peer) -> Result<(), Error> {
    for number in failed(&schema.newest().await.map_err(silent)?) {
        let Ok(served) = records.served() else { return Ok(()) };
        let Some(revision) = schema.revision(number).await.map_err(silent)? else { continue };
        let live = served.catalog.clone();
        let leftovers = match apart(&revision, move |failed| Ok(groundplan_model::find_leftovers(&live, &failed))).await
        {
            Ok(leftovers) => leftovers,
            Err(error) => {
                // Nothing can be made of one that cannot be read.
                tracing::debug!(revision = number, error = error.log_text(), "a failed revision cannot be loaded");
                continue;
            }
        };
        if leftovers.is_empty() {
            continue;
        }
        // Asked again under the lock: what is prepared from then on waits for it, and is made after this.
        let is_settled = async || {
            let newest = schema.newest().await.map_err(silent)?;
            let live = newest.iter().find(|revision| revision.state() == RevisionState::Live);
            Ok::<bool, Error>(
                failed(&newest).contains(&number) && live.is_some_and(|live| live.number == served.revision()),
            )
        };
        groundplan_storage::withdraw(records.database(), number, &leftovers, is_settled).await?;
    }
    Ok(())
}

/// The failed revisions whose storage nobody needs: none if the newest revision is being prepared.
fn failed(newest: &[Revision]) -> Vec<i64> {
    if newest.first().is_some_and(|revision| revision.state() == RevisionState::Preparing) {
        return Vec::new();
    }
    let mut lives = 0;
    let since_the_live_before = newest.iter().take_while(|revision| {
        lives += u8::from(revision.state() == RevisionState::Live);
        lives < 2
    });
    let failed = since_the_live_before.filter(|revision| revision.state() == RevisionState::Failed);
    failed.map(|revision| revision.number).collect()
}

#[cfg(test)]
mod tests {
    use super::RevisionState::{Failed, Live, Preparing};
    use super::*;

    #[test]
    fn what_failed_since_the_live_revision_before_is_withdrawn() {
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
