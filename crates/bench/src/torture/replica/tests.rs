//! Checks that the replica detects invalid events.

use super::*;

fn entity(version: i64) -> Entity {
    Entity { id: "a".into(), field1: format!("oak {version} by 1"), ..Entity::default() }
}

fn change(kind: EventKind, version: i64, at: i64) -> WatchEntitiesResponse {
    WatchEntitiesResponse {
        kind: kind.into(),
        entity: Some(entity(version)),
        removal: if kind == EventKind::Removed { Removal::NoMatch } else { Removal::Unspecified }.into(),
        token: "a token".into(),
        transaction: at.to_string(),
        ..WatchEntitiesResponse::default()
    }
}

fn synced() -> Replica {
    let mut replica = Replica::default();
    let event = WatchEntitiesResponse { kind: EventKind::Synced.into(), token: "a token".into(), ..Default::default() };
    replica.apply(event).unwrap();
    replica
}

#[test]
fn a_life_of_a_record_passes() {
    let mut replica = synced();
    replica.apply(change(EventKind::Created, 1, 1)).unwrap();
    replica.apply(change(EventKind::Updated, 2, 2)).unwrap();
    replica.apply(change(EventKind::Removed, 2, 3)).unwrap();
    replica.apply(change(EventKind::Created, 5, 6)).unwrap();
    assert!(replica.has("oak 5 by 1"));
    assert!(replica.differences(vec![entity(5)]).is_empty());
}

#[test]
fn what_must_not_come_is_noticed() {
    for (events, words) in [
        (vec![change(EventKind::Updated, 2, 2)], "not there"),
        (vec![change(EventKind::Removed, 2, 2)], "not there"),
        (vec![change(EventKind::Created, 1, 1), change(EventKind::Created, 1, 2)], "is there"),
        (vec![change(EventKind::Created, 1, 1), change(EventKind::Updated, 3, 2)], "version behind it"),
        (vec![change(EventKind::Created, 1, 1), change(EventKind::Updated, 2, 1)], "came behind"),
        (vec![change(EventKind::Created, 2, 1), change(EventKind::Removed, 1, 2)], "as it was last"),
        (
            vec![change(EventKind::Created, 2, 1), change(EventKind::Removed, 2, 2), change(EventKind::Created, 2, 3)],
            "old version",
        ),
    ] {
        let mut replica = synced();
        let found = events.into_iter().try_for_each(|event| replica.apply(event));
        assert!(found.as_ref().is_err_and(|found| found.contains(words)), "{words}: {found:?}");
    }
}

#[test]
fn tokens_come_with_synced_and_not_before() {
    let mut replica = Replica::default();
    let found = replica.apply(change(EventKind::Created, 1, 1)).unwrap_err();
    assert!(found.contains("before SYNCED"), "{found}");
    let bare = WatchEntitiesResponse { token: String::new(), ..change(EventKind::Created, 1, 1) };
    replica.apply(bare.clone()).unwrap();
    assert!(synced().apply(bare).is_err());
}

#[test]
fn a_table_that_is_another_is_noticed() {
    let mut replica = synced();
    replica.apply(change(EventKind::Created, 1, 1)).unwrap();
    let other = Entity { id: "b".into(), ..entity(1) };
    let found = replica.differences(vec![other]);
    assert_eq!(found.len(), 2, "{found:?}");
}
