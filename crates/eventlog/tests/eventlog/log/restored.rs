//! Restores a copy of the data directory, so that the log draws the positions after the copy again.

use crate::support::{ORIGIN, PATIENCE};
use crate::support::{Process, keys, next, number, process};
use groundplan_chassis::database::{Columns as _, Sql, rows};
use groundplan_chassis::seal::Sealer;
use groundplan_error::{Error, Reason};
use groundplan_testkit::PrivateServer;
use tokio::time::timeout;

/// Opens a token in a process that has just started; returns the position.
async fn open(server: &PrivateServer, token: &str) -> Result<i64, Reason> {
    let process = process(&server.url()).await;
    process.log.open_token(ORIGIN, token).await.map(|at| at.cursor.position).map_err(|error| error.reason())
}

async fn append(process: &Process, keys: &[&str]) {
    for key in keys {
        process.append(&[key]).await;
    }
}

/// Converts a token to the older format, which does not identify an event.
async fn to_older_format(process: &Process, token: &str) -> String {
    let mut connection = process.connection().await;
    let rows = rows(&mut connection, &Sql::new("SELECT token_key FROM event_log"), &[]).await.unwrap();
    let key = rows[0].bytes(0, |bytes| bytes.map(<[u8]>::to_vec)).unwrap().unwrap();
    let sealer = Sealer::new(&key).unwrap();
    let mut bytes = sealer.open(ORIGIN, token).unwrap();
    bytes.truncate(1 + 8 + 8 + 4);
    bytes[0] = 1;
    sealer.seal(ORIGIN, &bytes).unwrap()
}

/// Starts a server whose data directory was copied after the event `a`; returns the token of that event.
async fn server_with_copy() -> (PrivateServer, String) {
    let mut server = PrivateServer::new().await;
    let before = process(&server.url()).await;
    let (mut batches, _) = before.follow("").await.unwrap();
    append(&before, &["a"]).await;
    let (_, at_copy) = keys(&mut batches, 1).await;
    server.stop().await;
    server.copy_data();
    server.start().await;
    (server, at_copy)
}

#[tokio::test]
async fn tokens_from_after_the_copy_are_gone_and_earlier_ones_are_valid() {
    let (mut server, at_copy) = server_with_copy().await;
    let lost = process(&server.url()).await;
    let (mut batches, _) = lost.follow(&at_copy).await.expect("a restarted server has the same log");
    append(&lost, &["b", "c", "d"]).await;
    let (received, after_copy) = keys(&mut batches, 3).await;
    assert_eq!(received, ["b", "c", "d"]);
    let older = to_older_format(&lost, &after_copy).await;
    assert!(open(&server, &older).await.is_ok(), "tokens in the older format are accepted");
    drop((batches, lost));
    server.stop().await;
    server.restore_data();
    server.start().await;

    assert_eq!(open(&server, &after_copy).await, Err(Reason::PositionGone), "its position was not drawn yet");
    assert_eq!(open(&server, &older).await, Err(Reason::PositionGone));
    let restored = process(&server.url()).await;
    append(&restored, &["e", "f", "g", "h", "i"]).await;
    assert_eq!(open(&server, &after_copy).await, Err(Reason::PositionGone), "another event has its position");
    let (mut batches, _) = restored.follow(&at_copy).await.expect("the copy has the token's event");
    assert_eq!(keys(&mut batches, 5).await.0, ["e", "f", "g", "h", "i"]);
}

#[tokio::test]
async fn a_position_that_was_rolled_back_in_the_restored_log_is_gone() {
    let (mut server, at_copy) = server_with_copy().await;
    let lost = process(&server.url()).await;
    let (mut batches, _) = lost.follow(&at_copy).await.unwrap();
    append(&lost, &["b"]).await;
    let (_, after_copy) = keys(&mut batches, 1).await;
    drop((batches, lost));
    server.stop().await;
    server.restore_data();
    server.start().await;
    let restored = process(&server.url()).await;
    let mut connection = restored.connection().await;
    number(&mut connection, "SELECT nextval('events_position')").await;
    append(&restored, &["c"]).await;
    assert_eq!(open(&server, &after_copy).await, Err(Reason::PositionGone));
}

#[tokio::test]
async fn a_running_process_detects_the_restore_and_its_followers_get_an_error() {
    let (mut server, at_copy) = server_with_copy().await;
    let process = process(&server.url()).await;
    let (mut batches, _) = process.follow(&at_copy).await.unwrap();
    append(&process, &["b", "c", "d"]).await;
    keys(&mut batches, 3).await;
    server.stop().await;
    server.restore_data();
    server.start().await;
    append(&process, &["e", "f", "g", "h", "i"]).await;
    // A follower first gets NOT_READY or no events, and then the error that the log was replaced.
    let ended = async {
        loop {
            match next(&mut batches).await {
                Ok(batch) => assert!(batch.events.is_empty(), "events of another log: {:?}", batch.events),
                Err(error) => return error,
            }
        }
    };
    let ended: Error = timeout(PATIENCE, ended).await.expect("the stream ends");
    assert_eq!(ended.reason(), Reason::PositionGone);
}
