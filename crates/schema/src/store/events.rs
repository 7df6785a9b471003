//! Appends the changes of revisions to the event log.

use super::revision_rows::{PREPARING, Summary};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use groundplan_eventlog::NewEvent;
use groundplan_proto::schema::v1::Revision;
use groundplan_proto::watch::v1::ChangeKind;
use prost::Message as _;

/// The topic of all events.
const TOPIC: &str = "revision";

const CREATED: i16 = ChangeKind::Created as i16;
const UPDATED: i16 = ChangeKind::Updated as i16;

/// Appends the current state of revisions, as the last step of the transaction that changed it.
pub(crate) async fn append_in_transaction(
    connection: &mut AsyncPgConnection,
    changed: Vec<Summary>,
) -> QueryResult<()> {
    let events: Vec<NewEvent> = changed.into_iter().map(event).collect();
    groundplan_eventlog::append(connection, &events).await
}

fn event(revision: Summary) -> NewEvent {
    NewEvent {
        tenant: String::new(),
        topic: TOPIC.to_owned(),
        key: revision.number.to_string(),
        kind: if revision.state == PREPARING { CREATED } else { UPDATED },
        payload: Revision::from(revision).encode_to_vec().into(),
    }
}
