//! What a batch of events asks for: what has been overtaken within it is left out.

use groundplan_proto::eventlog::v1::Event;
use groundplan_proto::schema::v1::{Revision, RevisionState};
use prost::{DecodeError, Message as _};

/// The topic of events about revisions.
const TOPIC: &str = "revision";

/// What has become of revisions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct News {
    /// Whether some revision has become live. Which one is the live one now is to be asked for.
    pub(super) is_live: bool,
    /// The newest revision that is being prepared.
    pub(super) preparing: Option<i64>,
    /// Whether some revision has failed.
    pub(super) has_failed: bool,
}

impl News {
    /// Reads events in their order.
    pub(super) fn of(events: &[Event]) -> Result<Self, DecodeError> {
        let mut news = Self::default();
        for event in events.iter().filter(|event| event.topic == TOPIC) {
            let revision = Revision::decode(event.payload.as_slice())?;
            match revision.state() {
                RevisionState::Preparing => news.preparing = Some(revision.number),
                state => {
                    news.is_live |= state == RevisionState::Live;
                    news.has_failed |= state == RevisionState::Failed;
                    news.preparing = news.preparing.filter(|&preparing| preparing != revision.number);
                }
            }
        }
        Ok(news)
    }
}

#[cfg(test)]
mod tests {
    use super::RevisionState::{Failed, Live, Preparing};
    use super::*;

    fn news(changes: &[(i64, RevisionState)]) -> (bool, Option<i64>, bool) {
        let event = |&(number, state): &(i64, RevisionState)| {
            let payload = Revision { number, state: state.into(), ..Revision::default() }.encode_to_vec();
            Event { topic: TOPIC.into(), payload, ..Event::default() }
        };
        let News { is_live, preparing, has_failed } = News::of(&changes.iter().map(event).collect::<Vec<_>>()).unwrap();
        (is_live, preparing, has_failed)
    }

    #[test]
    fn only_what_is_newest_matters() {
        assert_eq!(news(&[]), (false, None, false));
        assert_eq!(news(&[(1, Preparing)]), (false, Some(1), false));
        assert_eq!(news(&[(1, Preparing), (1, Live)]), (true, None, false));
        assert_eq!(news(&[(1, Preparing), (1, Failed)]), (false, None, true));
        assert_eq!(news(&[(1, Live), (2, Preparing), (2, Failed), (3, Preparing)]), (true, Some(3), true));
        assert_eq!(news(&[(2, Preparing), (1, Failed)]), (false, Some(2), true));
    }

    #[test]
    fn other_topics_are_left_out_and_garbage_is_an_error() {
        let other = Event { topic: "other".into(), payload: b"garbage".to_vec(), ..Event::default() };
        assert_eq!(News::of(std::slice::from_ref(&other)).unwrap(), News::default());
        News::of(&[Event { topic: TOPIC.into(), ..other }]).unwrap_err();
    }
}
