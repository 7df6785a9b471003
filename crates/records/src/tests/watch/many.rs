//! Several models in one stream, and the log as it is.

use super::super::fixture::Fixture;
use groundplan_proto::eventlog::v1::Event;
use groundplan_proto::records::v1::records_service_client::RecordsServiceClient;
use groundplan_proto::records::v1::{Change, TailChangesRequest, WatchManyRequest, WatchManyResponse, WatchedModel};
use groundplan_proto::watch::v1::{ChangeKind, EventKind, Start};
use prost::Message as _;
use serde_json::json;
use tonic::{Code, Streaming};

fn watched(names: &[(&str, &str)]) -> Vec<WatchedModel> {
    let one = |(model, filter): &(&str, &str)| WatchedModel {
        model: format!("test.v1.{model}"),
        filter: (*filter).to_owned(),
        read_mask: None,
    };
    names.iter().map(one).collect()
}

async fn next(stream: &mut Streaming<WatchManyResponse>) -> WatchManyResponse {
    loop {
        let event = stream.message().await.unwrap().unwrap();
        if event.kind() != EventKind::Bookmark {
            return event;
        }
    }
}

#[tokio::test]
async fn several_models_come_in_the_order_of_their_commits() {
    let fixture = super::super::relations::library().await;
    let author = fixture.make("Author", json!({"name": "a"})).await;
    let mut client = RecordsServiceClient::new(fixture.transport.clone());
    let models = watched(&[("Book", "title != 'hidden'"), ("Author", ""), ("Shelf", "")]);
    let request = WatchManyRequest { models, start: Start::Initial.into(), ..WatchManyRequest::default() };
    let mut stream = client.watch_many(request.clone()).await.unwrap().into_inner();
    let first = next(&mut stream).await;
    assert_eq!((first.kind(), first.model.as_str()), (EventKind::Created, "test.v1.Author"));
    let any = first.record.unwrap();
    assert_eq!(any.type_url, "type.googleapis.com/test.v1.Author");
    let synced = next(&mut stream).await;
    assert_eq!(synced.kind(), EventKind::Synced);
    fixture.make("Shelf", json!({"id": "s"})).await;
    fixture.make("Book", json!({"title": "hidden", "authorId": author})).await;
    fixture.make("Book", json!({"title": "shown", "authorId": author, "shelf": "s"})).await;
    fixture.delete("Shelf", "s").await.unwrap();
    let events = [next(&mut stream).await, next(&mut stream).await, next(&mut stream).await, next(&mut stream).await];
    let told = |event: &WatchManyResponse| (event.kind(), event.model.clone());
    assert_eq!(told(&events[0]), (EventKind::Created, "test.v1.Shelf".to_owned()));
    assert_eq!(told(&events[1]), (EventKind::Created, "test.v1.Book".to_owned()));
    assert_eq!(events[2].kind(), EventKind::Removed);
    assert_eq!(events[3].kind(), EventKind::Removed);
    assert_eq!(events[2].transaction, events[3].transaction);
    let resumed = WatchManyRequest { start: 0, token: events[1].token.clone(), ..request };
    let mut stream = client.watch_many(resumed).await.unwrap().into_inner();
    let again = next(&mut stream).await;
    assert_eq!((again.kind(), again.record, again.time), (events[2].kind(), events[2].record.clone(), events[2].time));
}

#[tokio::test]
async fn what_is_wrong_has_its_place() {
    let fixture = super::super::relations::library().await;
    let mut client = RecordsServiceClient::new(fixture.transport.clone());
    let many: Vec<(&str, &str)> = vec![("Book", ""); 21];
    for (models, words) in [
        (watched(&[]), "1 to 20"),
        (watched(&many), "1 to 20"),
        (watched(&[("Book", ""), ("Book", "")]), "models[1].model"),
        (watched(&[("Book", ""), ("Bok", "")]), "models[1].model"),
        (watched(&[("Book", ""), ("Author", "nam == ''")]), "models[1]"),
    ] {
        let request = WatchManyRequest { models, ..WatchManyRequest::default() };
        let status = client.watch_many(request).await.err().unwrap();
        assert_eq!(status.code(), Code::InvalidArgument);
        let words = words.to_lowercase();
        assert!(format!("{} {status:?}", status.message()).to_lowercase().contains(&words), "{words}: {status:?}");
    }
}

#[tokio::test]
async fn the_log_is_tailed_as_it_is_stored() {
    let fixture = Fixture::new().await;
    let mut client = RecordsServiceClient::new(fixture.transport.clone());
    let mut stream = client.tail_changes(TailChangesRequest::default()).await.unwrap().into_inner();
    let begun = stream.message().await.unwrap().unwrap();
    assert!(begun.events.is_empty() && !begun.token.is_empty());
    let made = fixture.item(json!({"title": "one"})).await;
    fixture.change(json!({"id": made["id"], "rank": 3})).await;
    fixture.remove(&made["id"]).await;
    let mut events: Vec<Event> = Vec::new();
    while events.len() < 3 {
        events.extend(stream.message().await.unwrap().unwrap().events);
    }
    let kinds: Vec<i32> = events.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [ChangeKind::Created as i32, ChangeKind::Updated as i32, ChangeKind::Deleted as i32]);
    assert!(events.iter().all(|event| event.topic == "test.v1.Item" && event.tenant == "default" && event.last));
    assert!(events.is_sorted_by_key(|event| event.position));
    let change = Change::decode(&events[1].payload[..]).unwrap();
    assert_eq!((change.revision, change.principal.as_str(), &change.changed_fields[..]), (1, "root", &[4, 11][..]));
    let resumed = TailChangesRequest { token: begun.token };
    let mut again = client.tail_changes(resumed).await.unwrap().into_inner();
    again.message().await.unwrap().unwrap();
    assert_eq!(again.message().await.unwrap().unwrap().events.first(), events.first());
}
