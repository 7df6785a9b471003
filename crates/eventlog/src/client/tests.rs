//! Followers of a scripted source.

use super::*;
use futures_util::stream;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use tokio::time::{Instant, timeout};
use tonic::Status;

type Message = Result<(Vec<v1::Event>, String), Status>;

/// The tokens that a source was called with, and when.
type Calls = Arc<Mutex<Vec<(String, Instant)>>>;

/// Responds to the calls one after the other. The last stream stays open.
struct Script {
    responses: VecDeque<Result<Vec<Message>, Status>>,
    calls: Calls,
}

impl Source for Script {
    async fn tail(&mut self, token: &str) -> Result<Messages, Status> {
        self.calls.lock().unwrap().push((token.to_owned(), Instant::now()));
        match self.responses.pop_front() {
            Some(Ok(messages)) if self.responses.is_empty() => {
                Ok(stream::iter(messages).chain(stream::pending()).boxed())
            }
            Some(response) => response.map(|messages| stream::iter(messages).boxed()),
            None => std::future::pending().await,
        }
    }
}

/// Returns a follower of a script, and the calls that the script receives.
fn follower<const N: usize>(responses: [Result<Vec<Message>, Status>; N]) -> (Follower<Script>, Calls) {
    let calls = Arc::default();
    let script = Script { responses: responses.into(), calls: Arc::clone(&calls) };
    (Follower::new(script, "a test"), calls)
}

fn event(position: i64) -> v1::Event {
    v1::Event { position, ..v1::Event::default() }
}

fn message(positions: &[i64], token: &str) -> Message {
    Ok((positions.iter().copied().map(event).collect(), token.to_owned()))
}

fn events(positions: &[i64]) -> FollowerUpdate {
    FollowerUpdate::Events(positions.iter().copied().map(event).collect())
}

fn tokens(calls: &Mutex<Vec<(String, Instant)>>) -> Vec<String> {
    calls.lock().unwrap().iter().map(|(token, _)| token.clone()).collect()
}

fn broken() -> Status {
    Status::unavailable("the server has gone")
}

#[tokio::test(start_paused = true)]
async fn it_starts_and_then_receives_events() {
    let (mut follower, calls) =
        follower([Ok(vec![message(&[], "0"), message(&[1, 2], "2"), message(&[], "2"), message(&[3], "3")])]);
    assert_eq!(follower.next().await, FollowerUpdate::Started);
    assert_eq!(follower.next().await, events(&[1, 2]));
    assert_eq!(follower.next().await, events(&[3]), "a message without events only proves that the source is alive");
    assert!(timeout(Duration::from_secs(3_600), follower.next()).await.is_err(), "nothing happens");
    assert_eq!(tokens(&calls), [""]);
}

#[tokio::test(start_paused = true)]
async fn it_resumes_with_the_last_token_after_each_failure() {
    let (mut follower, calls) = follower([
        Err(broken()),
        Ok(vec![message(&[], "0"), message(&[1], "1"), Err(broken())]),
        Err(broken()),
        // The stream just ends.
        Ok(vec![message(&[], "1"), message(&[2], "2")]),
        Ok(vec![message(&[], "2"), message(&[3], "3")]),
    ]);
    assert_eq!(follower.next().await, FollowerUpdate::Started);
    for position in 1..=3 {
        assert_eq!(follower.next().await, events(&[position]));
    }
    assert_eq!(tokens(&calls), ["", "", "1", "1", "2"]);
}

#[tokio::test(start_paused = true)]
async fn it_starts_again_when_its_position_is_gone() {
    for gone in [Status::out_of_range("dropped"), Status::new(Code::InvalidArgument, "another key")] {
        let (mut follower, calls) = follower([
            Ok(vec![message(&[], "0"), message(&[1], "1"), Err(broken())]),
            Err(gone.clone()),
            Ok(vec![message(&[], "7"), message(&[8], "8"), Err(gone)]),
            Ok(vec![message(&[], "9"), message(&[10], "10")]),
        ]);
        for expected in [
            FollowerUpdate::Started,
            events(&[1]),
            FollowerUpdate::Started,
            events(&[8]),
            FollowerUpdate::Started,
            events(&[10]),
        ] {
            assert_eq!(follower.next().await, expected);
        }
        assert_eq!(tokens(&calls), ["", "1", "", ""]);
    }
}

#[tokio::test(start_paused = true)]
async fn its_caller_can_restart_it() {
    let (mut follower, calls) =
        follower([Ok(vec![message(&[], "0"), message(&[1], "1"), message(&[2], "2")]), Ok(vec![message(&[], "3")])]);
    assert_eq!(follower.next().await, FollowerUpdate::Started);
    assert_eq!(follower.next().await, events(&[1]));
    follower.restart();
    assert_eq!(follower.next().await, FollowerUpdate::Started);
    assert_eq!(tokens(&calls), ["", ""]);
}

#[tokio::test(start_paused = true)]
async fn its_pauses_grow_even_if_the_caller_cancels_often() {
    let (mut follower, calls) = follower([(); 40].map(|()| Err(broken())));
    // Each wait is cancelled soon, as in a loop with other work.
    for _ in 0..6_000 {
        assert!(timeout(Duration::from_millis(10), follower.next()).await.is_err());
    }
    let calls = calls.lock().unwrap();
    let pauses: Vec<Duration> = calls.windows(2).map(|pair| pair[1].1 - pair[0].1).collect();
    assert!(pauses.len() >= 10, "{pauses:?}");
    assert!(pauses[0] >= FIRST_PAUSE / 2 && pauses[0] <= FIRST_PAUSE * 2, "{pauses:?}");
    let longest = MAX_PAUSE.mul_f64(1.5) + Duration::from_millis(20);
    assert!(pauses.iter().all(|pause| *pause <= longest), "{pauses:?}");
    assert!(pauses[8..].iter().all(|pause| *pause >= MAX_PAUSE / 2), "{pauses:?}");
}

/// Spawned tasks require it.
#[test]
fn it_can_be_sent_to_another_thread() {
    fn is_send(_: &impl Send) {}
    let (mut follower, _) = follower([]);
    is_send(&follower.next());
}
