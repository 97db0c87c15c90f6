//! Events that are accepted together.

use super::world::{World, all, at, idempotency};
use crate::events::{Accepted, AllAccepted, NewEvent};
use kanca_domain::deliveries::DeliveryStatus;
use kanca_domain::ids::EventId;

async fn listed(world: &World) -> Vec<EventId> {
    let read = async |page| world.storage.events(world.project, None, page).await.unwrap();
    all(200, read).await.into_iter().map(|event| event.id).collect()
}

fn keyed(world: &World, key: &str, content: u8) -> NewEvent {
    NewEvent { idempotency: idempotency(key, content), ..world.event_for_one() }
}

pub async fn events_that_come_together_are_all_stored(world: &World) {
    let events: Vec<_> = (0..50).map(|_| world.event_for_one()).collect();
    let ids: Vec<_> = events.iter().rev().map(|event| event.id).collect();
    let accepted = world.storage.accept_events(events).await.unwrap();
    assert_eq!(accepted, AllAccepted::Stored(vec![Accepted::New { held: Vec::new() }; 50]));
    assert_eq!(listed(world).await, ids);
    assert_eq!(world.storage.delivery_counts(world.project).await.unwrap().pending, 50);
    assert_eq!(world.claim_due(at(0), 100).await.0.len(), 50);
}

pub async fn no_event_at_all_is_no_error(world: &World) {
    assert_eq!(world.storage.accept_events(Vec::new()).await.unwrap(), AllAccepted::Stored(Vec::new()));
}

pub async fn of_events_that_come_together_all_or_none_are_stored(world: &World) {
    let twice = world.event_for_one();
    world.accept(twice.clone()).await;
    let fine = world.event_for_one();
    let refused = world.storage.accept_events(vec![fine.clone(), twice, world.event_for_one()]).await;
    assert!(refused.is_err(), "an event with an id that exists cannot be stored: {refused:?}");
    assert_eq!(listed(world).await.len(), 1);
    assert_eq!(world.storage.delivery_counts(world.project).await.unwrap().pending, 1);
    assert!(world.storage.event(world.project, fine.id).await.unwrap().is_none());
}

pub async fn a_taken_key_among_them_stores_none(world: &World) {
    let first = keyed(world, "k", 1);
    let first_id = first.id;
    world.accept(first).await;
    let new = keyed(world, "new", 5);
    let events = vec![world.event_for_one(), keyed(world, "k", 2), new.clone(), keyed(world, "new", 6)];
    let accepted = world.storage.accept_events(events).await.unwrap();
    assert_eq!(accepted, AllAccepted::KeysTaken(vec![(1, first_id), (3, new.id)]));
    assert_eq!(listed(world).await, [first_id]);
    // The keys that came with them are as free as before.
    let again = world.storage.accept_events(vec![keyed(world, "new", 7)]).await.unwrap();
    assert!(matches!(&again, AllAccepted::Stored(all) if matches!(all[..], [Accepted::New { .. }])), "{again:?}");
}

pub async fn repetitions_among_them_are_told_apart(world: &World) {
    let first = keyed(world, "k", 1);
    let new = keyed(world, "new", 5);
    let (first_id, new_id) = (first.id, new.id);
    world.accept(first).await;
    let events = vec![keyed(world, "k", 1), new, keyed(world, "new", 5), world.event_for_one()];
    let expected = vec![
        Accepted::Repeated { event_id: first_id },
        Accepted::New { held: Vec::new() },
        Accepted::Repeated { event_id: new_id },
        Accepted::New { held: Vec::new() },
    ];
    assert_eq!(world.storage.accept_events(events).await.unwrap(), AllAccepted::Stored(expected));
    assert_eq!(listed(world).await.len(), 3);
    assert_eq!(world.storage.delivery_counts(world.project).await.unwrap().pending, 3);
}

pub async fn events_of_a_key_that_come_together_wait_for_one_another(world: &World) {
    let events: Vec<_> = (0..3).map(|_| world.event_with_key("a")).collect();
    let deliveries: Vec<_> = events.iter().map(|event| event.deliveries[0].id).collect();
    let held = |n: usize| Accepted::New { held: vec![deliveries[n]] };
    let expected = AllAccepted::Stored(vec![Accepted::New { held: Vec::new() }, held(1), held(2)]);
    assert_eq!(world.storage.accept_events(events).await.unwrap(), expected);
    assert_eq!(world.claim_due(at(0), 10).await.0, deliveries[..1]);
    assert_eq!(world.status(deliveries[2]).await, DeliveryStatus::Pending);
}
