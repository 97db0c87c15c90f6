//! Accepting events: atomic, idempotent, exact.

use super::world::{World, after, all, at, first, idempotency};
use crate::deliveries::{StatusCounts, Verdict};
use crate::events::{Accepted, Explanation, NewEvent};
use futures_util::future::join_all;
use jiff::Timestamp;
use kanca_domain::events::{Because, EventData};
use kanca_domain::ids::EventId;

const DAY: i64 = 24 * 60 * 60;

pub async fn an_event_and_its_deliveries_are_stored_together(world: &World) {
    let second = world.another_endpoint().await;
    let event = NewEvent {
        ordering_key: Some("customer 7".into()),
        idempotency: idempotency("k", 1),
        hops: 3,
        deliveries: vec![world.delivery(world.endpoint), world.delivery(second)],
        ..world.event()
    };
    assert_eq!(world.storage.accept_event(event.clone()).await.unwrap(), Accepted::New { held: vec![] });
    let stored = world.storage.event(world.project, event.id).await.unwrap().unwrap();
    assert_eq!(stored.id, event.id);
    assert_eq!(stored.project_id, world.project);
    assert_eq!(stored.event_type, event.event_type);
    assert_eq!((stored.timestamp, stored.accepted_at), (event.timestamp, event.accepted_at));
    assert_eq!(stored.data.unwrap().as_str(), event.data.as_str());
    assert_eq!(stored.ordering_key.as_deref(), Some("customer 7"));
    assert_eq!(stored.idempotency_key.as_deref(), Some("k"));
    assert_eq!(stored.hops, 3);
    assert_eq!(stored.deliveries, StatusCounts { pending: 2, ..StatusCounts::default() });
    for delivery in event.deliveries {
        let stored = world.stored(delivery.id).await;
        assert_eq!((stored.event_id, stored.endpoint_id), (event.id, delivery.endpoint_id));
        assert_eq!((stored.due, stored.created_at), (Some(delivery.due), event.accepted_at));
        assert_eq!((stored.steps_used, stored.attempt_count, stored.manual, stored.held), (0, 0, false, false));
        assert_eq!((stored.event_type, stored.ordering_key), (event.event_type.clone(), event.ordering_key.clone()));
    }
}

pub async fn an_event_that_cannot_be_stored_leaves_nothing(world: &World) {
    let taken = world.accept(world.event_for_one()).await;
    let mut event = NewEvent {
        idempotency: idempotency("k", 1),
        deliveries: vec![world.delivery(world.endpoint), world.delivery(world.endpoint)],
        ..world.event()
    };
    event.deliveries[1].id = taken;
    world.storage.accept_event(event.clone()).await.unwrap_err();
    assert!(world.storage.event(world.project, event.id).await.unwrap().is_none());
    assert!(world.storage.delivery(world.project, event.deliveries[0].id).await.unwrap().is_none());
    assert_eq!(world.storage.delivery_counts(world.project).await.unwrap().pending, 1);
    let again = NewEvent { idempotency: idempotency("k", 2), ..world.event_for_one() };
    world.accept(again).await;
}

pub async fn a_failing_event_does_not_touch_those_that_came_with_it(world: &World) {
    let taken = world.accept(world.event_for_one()).await;
    let events: Vec<NewEvent> = (0..60)
        .map(|n| {
            let mut event = world.event_for_one();
            if n % 10 == 5 {
                event.deliveries.push(world.delivery(world.endpoint));
                event.deliveries[1].id = taken;
                // A backend may trust that ids are new where it has nothing to look up.
                event.idempotency = idempotency(&format!("k{n}"), 1);
            }
            event
        })
        .collect();
    let accepted = join_all(events.iter().map(|event| world.storage.accept_event(event.clone()))).await;
    for (n, (event, accepted)) in events.iter().zip(accepted).enumerate() {
        let stored = world.storage.event(world.project, event.id).await.unwrap();
        assert_eq!(accepted.is_ok(), n % 10 != 5, "{n}");
        assert_eq!(accepted.is_ok(), stored.is_some_and(|e| e.deliveries.pending == 1), "{n}");
    }
    assert_eq!(world.storage.delivery_counts(world.project).await.unwrap().pending, 55);
}

pub async fn data_survives_byte_for_byte(world: &World) {
    let deep = format!("{}1{}", "[".repeat(128), "]".repeat(128));
    for text in [
        "null",
        "-0",
        "1.0",
        "1E400",
        "12345678901234567890123456789.000",
        r#""""#,
        r#""\u0000\u001f\ud83e\ude9d \/ \\ ğ🪝""#,
        "\"\u{7f}\u{85}\u{2028}\u{feff}\"",
        r#"{"z":1,"a":2,"z":3,"":{"  ":[]}}"#,
        "{ \"b\" : 1 ,\n\t\"a\":[ ] }",
        &deep,
    ] {
        let event = NewEvent { data: EventData::parse(text.as_bytes()).unwrap(), ..world.event_for_one() };
        let id = event.id;
        let delivery = world.accept(event).await;
        let stored = world.storage.event(world.project, id).await.unwrap().unwrap();
        assert_eq!(stored.data.unwrap().as_str(), text);
        assert_eq!(world.claim(delivery).await.unwrap().data.as_str(), text);
    }
}

pub async fn a_mebibyte_of_data_survives(world: &World) {
    let text = format!("\"{}\"", "ğ".repeat(512 * 1024));
    let event = NewEvent { data: EventData::parse(text.as_bytes()).unwrap(), ..world.event_for_one() };
    let delivery = world.accept(event).await;
    assert!(world.claim(delivery).await.unwrap().data.as_str() == text);
}

pub async fn the_timestamp_keeps_every_digit(world: &World) {
    for text in [
        "2026-11-24T10:20:30Z",
        "2026-11-24T10:20:30.1Z",
        "2026-11-24T10:20:30.123456789Z",
        "1969-12-31T23:59:59.999999999Z",
        "0000-01-01T00:00:00Z",
        "9999-12-30T22:00:00.000000001Z",
    ] {
        let timestamp: Timestamp = text.parse().unwrap();
        let event = NewEvent { timestamp, ..world.event_for_one() };
        let id = event.id;
        let delivery = world.accept(event).await;
        assert_eq!(world.storage.event(world.project, id).await.unwrap().unwrap().timestamp, timestamp);
        assert_eq!(world.claim(delivery).await.unwrap().timestamp, timestamp);
    }
}

pub async fn the_same_content_under_the_same_key_is_stored_once(world: &World) {
    let first = NewEvent { idempotency: idempotency("k", 1), ..world.event_for_one() };
    let event_id = first.id;
    world.accept(first).await;
    let again = NewEvent { idempotency: idempotency("k", 1), ..world.event_for_one() };
    let id = again.id;
    assert_eq!(world.storage.accept_event(again).await.unwrap(), Accepted::Repeated { event_id });
    assert!(world.storage.event(world.project, id).await.unwrap().is_none());
    assert_eq!(world.storage.delivery_counts(world.project).await.unwrap().pending, 1);
}

pub async fn another_content_under_the_same_key_is_told(world: &World) {
    let first = NewEvent { idempotency: idempotency("k", 1), ..world.event_for_one() };
    let event_id = first.id;
    world.accept(first).await;
    let other = NewEvent { idempotency: idempotency("k", 2), ..world.event_for_one() };
    assert_eq!(world.storage.accept_event(other).await.unwrap(), Accepted::KeyTaken { event_id });
    assert_eq!(world.storage.delivery_counts(world.project).await.unwrap().pending, 1);
}

pub async fn a_key_is_free_again_after_a_day(world: &World) {
    let accept = async |content, accepted_at| {
        let event = NewEvent { idempotency: idempotency("k", content), accepted_at, ..world.event() };
        (event.id, world.storage.accept_event(event).await.unwrap())
    };
    let (event_id, accepted) = accept(1, at(0)).await;
    assert_eq!(accepted, Accepted::New { held: vec![] });
    assert_eq!(accept(1, at(DAY - 1)).await.1, Accepted::Repeated { event_id });
    let (event_id, accepted) = accept(2, at(DAY)).await;
    assert_eq!(accepted, Accepted::New { held: vec![] });
    assert_eq!(accept(1, at(DAY + 1)).await.1, Accepted::KeyTaken { event_id });
}

pub async fn keys_of_other_projects_do_not_matter(world: &World) {
    let project_id = world.other_project().await;
    for (project_id, content) in [(world.project, 1), (project_id, 2)] {
        let event = NewEvent { project_id, idempotency: idempotency("k", content), ..world.event() };
        assert_eq!(world.storage.accept_event(event).await.unwrap(), Accepted::New { held: vec![] });
    }
}

pub async fn callers_with_the_same_key_at_once_store_one_event(world: &World) {
    let event = || NewEvent { idempotency: idempotency("k", 1), ..world.event_for_one() };
    let accepted = join_all((0..32).map(|_| world.storage.accept_event(event()))).await;
    let new = accepted.iter().filter(|accepted| matches!(accepted, Ok(Accepted::New { .. }))).count();
    let repeated = accepted.iter().filter(|accepted| matches!(accepted, Ok(Accepted::Repeated { .. }))).count();
    assert_eq!((new, repeated), (1, 31));
    assert_eq!(world.storage.delivery_counts(world.project).await.unwrap().pending, 1);
}

pub async fn old_keys_are_forgotten_in_portions(world: &World) {
    for n in 0..5 {
        let key = format!("k{n}");
        let event = NewEvent { idempotency: idempotency(&key, 1), accepted_at: at(n), ..world.event() };
        world.storage.accept_event(event).await.unwrap();
    }
    assert_eq!(world.storage.prune_idempotency(at(DAY - 1), 10).await.unwrap(), 0);
    assert_eq!(world.storage.prune_idempotency(at(DAY + 2), 2).await.unwrap(), 2);
    assert_eq!(world.storage.prune_idempotency(at(DAY + 2), 10).await.unwrap(), 1);
    let event = NewEvent { idempotency: idempotency("k4", 1), accepted_at: at(9), ..world.event() };
    assert!(matches!(world.storage.accept_event(event).await.unwrap(), Accepted::Repeated { .. }));
}

pub async fn events_are_listed_newest_first_and_without_data(world: &World) {
    let mut ids = Vec::new();
    for _ in 0..3 {
        let event = world.event();
        ids.push(event.id);
        world.storage.accept_event(event).await.unwrap();
    }
    ids.reverse();
    let page = world.storage.events(world.project, None, first(200)).await.unwrap();
    assert_eq!(page.items.iter().map(|event| event.id).collect::<Vec<_>>(), ids);
    assert!(page.items.iter().all(|event| event.data.is_none()) && page.next.is_none());
}

pub async fn events_are_listed_by_their_exact_type(world: &World) {
    for event_type in ["order.paid", "order", "order.paid.late", "order.paid"] {
        let event = NewEvent { event_type: event_type.parse().unwrap(), ..world.event() };
        world.storage.accept_event(event).await.unwrap();
    }
    let listed = async |event_type| {
        all(1, async |page| world.storage.events(world.project, Some(event_type), page).await.unwrap()).await.len()
    };
    assert_eq!(listed("order.paid").await, 2);
    assert_eq!(listed("order").await, 1);
    assert_eq!(listed("order.*").await, 0);
}

pub async fn pages_of_events_are_stable_while_events_arrive(world: &World) {
    let mut ids: Vec<EventId> = Vec::new();
    for _ in 0..10 {
        let event = world.event();
        ids.insert(0, event.id);
        world.storage.accept_event(event).await.unwrap();
    }
    let listed = all(3, async |page| {
        let page = world.storage.events(world.project, None, page).await.unwrap();
        world.storage.accept_event(world.event()).await.unwrap();
        page
    })
    .await;
    assert_eq!(listed.iter().map(|event| event.id).collect::<Vec<_>>(), ids);
}

pub async fn events_show_their_deliveries_by_status(world: &World) {
    let deliveries: Vec<_> = (0..5).map(|_| world.delivery(world.endpoint)).collect();
    let ids: Vec<_> = deliveries.iter().map(|delivery| delivery.id).collect();
    let event = NewEvent { deliveries, ..world.event() };
    let id = event.id;
    world.accept(event).await;
    world.record(ids[0], Verdict::Delivered, at(1)).await;
    world.record(ids[1], Verdict::Delivered, at(1)).await;
    world.record(ids[2], Verdict::Failed, at(1)).await;
    let expected = StatusCounts { pending: 2, delivered: 2, failed: 1, cancelled: 0 };
    assert_eq!(world.storage.event(world.project, id).await.unwrap().unwrap().deliveries, expected);
    assert_eq!(world.storage.events(world.project, None, first(1)).await.unwrap().items[0].deliveries, expected);
}

pub async fn explanations_are_kept(world: &World) {
    let explanation = vec![
        Explanation::of_endpoint(world.endpoint, Some("orders"), Because::Disabled),
        Explanation::of_endpoint(world.endpoint, None, Because::FilteredOut { filter: "a \"b\"".into() }),
        Explanation::of_event(Because::NobodySubscribes { event_type: "order.paid".into(), webhooks: 3 }),
        // As an earlier version told it.
        Explanation { endpoint_id: None, endpoint_name: None, reason: "nobody wanted it".into(), because: None },
    ];
    let event = NewEvent { explanation: explanation.clone(), ..world.event() };
    let id = event.id;
    world.storage.accept_event(event).await.unwrap();
    assert_eq!(world.storage.event(world.project, id).await.unwrap().unwrap().explanation, explanation);
    assert_eq!(world.storage.events(world.project, None, first(1)).await.unwrap().items[0].explanation, explanation);
}

pub async fn events_belong_to_their_project(world: &World) {
    let other = world.other_project().await;
    let event = world.event_for_one();
    let id = event.id;
    world.accept(event).await;
    assert!(world.storage.event(other, id).await.unwrap().is_none());
    assert!(world.storage.events(other, None, first(10)).await.unwrap().items.is_empty());
    assert!(world.storage.events(other, Some("order.paid"), first(10)).await.unwrap().items.is_empty());
    assert_eq!(world.storage.count_events_since(other, at(0)).await.unwrap(), 0);
}

pub async fn events_are_counted_since_an_instant(world: &World) {
    for n in 0..10 {
        let accepted_at = after(at(0), n);
        let event = NewEvent { accepted_at, ..world.event() };
        world.storage.accept_event(event).await.unwrap();
    }
    assert_eq!(world.storage.count_events_since(world.project, at(0)).await.unwrap(), 10);
    assert_eq!(world.storage.count_events_since(world.project, at(7)).await.unwrap(), 3);
    assert_eq!(world.storage.count_events_since(world.project, at(99)).await.unwrap(), 0);
}
