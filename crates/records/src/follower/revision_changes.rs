//! Summarizes a batch of events about revisions. Later events replace earlier ones.

use groundplan_proto::eventlog::v1::Event;
use groundplan_proto::schema::v1::{Revision, RevisionState};
use prost::{DecodeError, Message as _};

/// The topic of events about revisions.
const TOPIC: &str = "revision";

/// The changes of revisions in a batch of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RevisionChanges {
    /// Whether a revision became live. Ask `schema` for the current live revision.
    pub(super) is_live: bool,
    /// The newest revision in preparation.
    pub(super) preparing: Option<i64>,
    /// Whether a revision failed.
    pub(super) has_failed: bool,
}

impl RevisionChanges {
    /// Summarizes events, which must be in order.
    ///
    /// # Errors
    /// An error if an event is not a revision.
    pub(super) fn of(events: &[Event]) -> Result<Self, DecodeError> {
        let mut changes = Self::default();
        for event in events.iter().filter(|event| event.topic == TOPIC) {
            let revision = Revision::decode(event.payload.as_slice())?;
            match revision.state() {
                RevisionState::Preparing => changes.preparing = Some(revision.number),
                state => {
                    changes.is_live |= state == RevisionState::Live;
                    changes.has_failed |= state == RevisionState::Failed;
                    changes.preparing = changes.preparing.filter(|&preparing| preparing != revision.number);
                }
            }
        }
        Ok(changes)
    }
}

#[cfg(test)]
mod tests {
    use super::RevisionState::{Failed, Live, Preparing};
    use super::*;

    fn summary(states: &[(i64, RevisionState)]) -> (bool, Option<i64>, bool) {
        let event = |&(number, state): &(i64, RevisionState)| {
            let payload = Revision { number, state: state.into(), ..Revision::default() }.encode_to_vec();
            Event { topic: TOPIC.into(), payload, ..Event::default() }
        };
        let RevisionChanges { is_live, preparing, has_failed } =
            RevisionChanges::of(&states.iter().map(event).collect::<Vec<_>>()).unwrap();
        (is_live, preparing, has_failed)
    }

    #[test]
    fn later_events_replace_earlier_ones() {
        assert_eq!(summary(&[]), (false, None, false));
        assert_eq!(summary(&[(1, Preparing)]), (false, Some(1), false));
        assert_eq!(summary(&[(1, Preparing), (1, Live)]), (true, None, false));
        assert_eq!(summary(&[(1, Preparing), (1, Failed)]), (false, None, true));
        assert_eq!(summary(&[(1, Live), (2, Preparing), (2, Failed), (3, Preparing)]), (true, Some(3), true));
        assert_eq!(summary(&[(2, Preparing), (1, Failed)]), (false, Some(2), true));
    }

    #[test]
    fn other_topics_are_ignored_and_invalid_events_are_errors() {
        let other = Event { topic: "other".into(), payload: b"garbage".to_vec(), ..Event::default() };
        assert_eq!(RevisionChanges::of(std::slice::from_ref(&other)).unwrap(), RevisionChanges::default());
        RevisionChanges::of(&[Event { topic: TOPIC.into(), ..other }]).unwrap_err();
    }
}
