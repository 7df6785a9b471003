//! `FollowRevisions`: the live revision, then each newer one.

use super::{Messages, get_revision, report_progress};
use crate::error::status;
use crate::service::Schema;
use crate::store::revisions::Heads;
use async_stream::try_stream;
use groundplan_error::{Error, Reason};
use groundplan_proto::schema::v1::{FollowRevisionsRequest, FollowRevisionsResponse, RevisionState};

pub(super) fn run(
    schema: &Schema,
    request: FollowRevisionsRequest,
) -> Result<Messages<FollowRevisionsResponse>, Error> {
    if let Some(violation) = report_progress::check_follower(&request.follower) {
        return Err(Error::invalid(vec![violation]));
    }
    Ok(follow(schema.clone()))
}

/// Sends what is newest and was not sent yet, and waits for something newer. A follower that reads slowly misses what
/// was overtaken meanwhile, and nothing else.
fn follow(schema: Schema) -> Messages<FollowRevisionsResponse> {
    let mut heads = schema.heads.clone();
    Box::pin(try_stream! {
        let mut sent = Heads::default();
        loop {
            let newest = *heads.borrow_and_update();
            for number in due(sent, newest).into_iter().flatten() {
                let found = get_revision::find(&schema, number).await.map_err(status)?;
                let Some(revision) = found else { continue };
                match revision.state() {
                    RevisionState::Live => sent.live = number,
                    RevisionState::Preparing => sent.preparing = number,
                    // It failed between the look and now.
                    RevisionState::Failed | RevisionState::Unspecified => continue,
                }
                yield FollowRevisionsResponse { revision: Some(revision) };
            }
            let goes_on = tokio::select! {
                () = schema.stop.cancelled() => false,
                changed = heads.changed() => changed.is_ok(),
            };
            if !goes_on {
                Err(status(Error::new(Reason::NotReady, "the server is stopping; follow again")))?;
            }
        }
    })
}

/// What is to be sent next: the live revision, then the one that is being prepared behind it.
fn due(sent: Heads, newest: Heads) -> [Option<i64>; 2] {
    [
        Some(newest.live).filter(|&live| live > sent.live),
        Some(newest.preparing).filter(|&preparing| preparing > sent.preparing.max(sent.live).max(newest.live)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due_after(sent: (i64, i64), newest: (i64, i64)) -> [Option<i64>; 2] {
        let heads = |(live, preparing)| Heads { live, preparing };
        due(heads(sent), heads(newest))
    }

    #[test]
    fn each_is_sent_once_in_each_state() {
        assert_eq!(due_after((0, 0), (0, 0)), [None, None]);
        assert_eq!(due_after((0, 0), (0, 1)), [None, Some(1)]);
        assert_eq!(due_after((0, 1), (0, 1)), [None, None]);
        assert_eq!(due_after((0, 1), (1, 0)), [Some(1), None]);
        assert_eq!(due_after((1, 1), (1, 2)), [None, Some(2)]);
        assert_eq!(due_after((1, 2), (3, 4)), [Some(3), Some(4)]);
        assert_eq!(due_after((0, 0), (3, 4)), [Some(3), Some(4)]);
    }

    #[test]
    fn one_that_was_live_already_when_it_was_read_is_not_sent_again() {
        assert_eq!(due_after((2, 0), (1, 2)), [None, None]);
    }
}
