//! A copy of the data directory that is put back: the log draws positions again that it had drawn after the copy.

use crate::support::{ORIGIN, PATIENCE};
use crate::support::{Process, keys, next, number, process};
use groundplan_chassis::database::{Columns as _, Sql, rows};
use groundplan_chassis::seal::Sealer;
use groundplan_error::{Error, Reason};
use groundplan_testkit::PrivateServer;
use tokio::time::timeout;

/// What opening a token says, by a process that has just started.
async fn open(server: &PrivateServer, token: &str) -> Result<i64, Reason> {
    let process = process(&server.url()).await;
    process.log.open_token(ORIGIN, token).await.map(|at| at.cursor.position).map_err(|error| error.reason())
}

async fn append(process: &Process, all: &[&str]) {
    for key in all {
        process.append(&[key]).await;
    }
}

/// The token as it was before tokens named an event.
async fn of_the_form_before(process: &Process, token: &str) -> String {
    let mut connection = process.connection().await;
    let rows = rows(&mut connection, &Sql::new("SELECT token_key FROM event_log"), &[]).await.unwrap();
    let key = rows[0].bytes(0, |bytes| bytes.map(<[u8]>::to_vec)).unwrap().unwrap();
    let sealer = Sealer::new(&key).unwrap();
    let mut bytes = sealer.open(ORIGIN, token).unwrap();
    bytes.truncate(1 + 8 + 8 + 4);
    bytes[0] = 1;
    sealer.seal(ORIGIN, &bytes).unwrap()
}

/// A server whose data were copied after the event `a`, with the token of that one.
async fn copied() -> (PrivateServer, String) {
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
async fn tokens_from_after_the_copy_are_gone_and_those_from_before_are_good() {
    let (mut server, at_copy) = copied().await;
    let lost = process(&server.url()).await;
    let (mut batches, _) = lost.follow(&at_copy).await.expect("a server that starts again has the log that it had");
    append(&lost, &["b", "c", "d"]).await;
    let (came, after_copy) = keys(&mut batches, 3).await;
    assert_eq!(came, ["b", "c", "d"]);
    let of_before = of_the_form_before(&lost, &after_copy).await;
    assert!(open(&server, &of_before).await.is_ok(), "tokens of the form before are read");
    drop((batches, lost));
    server.stop().await;
    server.restore_data();
    server.start().await;

    assert_eq!(open(&server, &after_copy).await, Err(Reason::PositionGone), "its position is not drawn yet");
    assert_eq!(open(&server, &of_before).await, Err(Reason::PositionGone));
    let restored = process(&server.url()).await;
    append(&restored, &["e", "f", "g", "h", "i"]).await;
    assert_eq!(open(&server, &after_copy).await, Err(Reason::PositionGone), "another event has its position");
    let (mut batches, _) = restored.follow(&at_copy).await.expect("the copy has what the token is from");
    assert_eq!(keys(&mut batches, 5).await.0, ["e", "f", "g", "h", "i"]);
}

#[tokio::test]
async fn a_position_that_was_rolled_back_in_the_restored_log_is_gone_too() {
    let (mut server, at_copy) = copied().await;
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
async fn a_process_that_lives_on_notices_and_its_followers_hear_of_it() {
    let (mut server, at_copy) = copied().await;
    let process = process(&server.url()).await;
    let (mut batches, _) = process.follow(&at_copy).await.unwrap();
    append(&process, &["b", "c", "d"]).await;
    keys(&mut batches, 3).await;
    server.stop().await;
    server.restore_data();
    server.start().await;
    append(&process, &["e", "f", "g", "h", "i"]).await;
    // A follower that hears that the log is being found again resumes, and then hears that it is another one.
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
