//! Deliveries of one key to one endpoint go one after another.

use super::turns::first_turn;
use super::world::{World, at};
use crate::conversations::Turn;
use crate::deliveries::{NewDelivery, Verdict};
use crate::endpoints::EndpointRecord;
use crate::events::{Accepted, NewEvent};
use futures_util::future::join_all;
use kanca_domain::endpoints::Ordering;

pub async fn the_first_of_a_key_starts_and_the_others_wait(world: &World) {
    let mut accepted = Vec::new();
    for _ in 0..3 {
        let mut event = world.event_with_key("a");
        event.deliveries[0].claim = true;
        let id = event.deliveries[0].id;
        let Accepted::New { held } = world.storage.accept_event(event).await.unwrap() else { panic!("it is new") };
        assert_eq!(held.is_empty(), accepted.is_empty(), "all but the first are held");
        assert!(held.iter().all(|held| *held == id));
        let now = world.stored(id).await;
        assert_eq!((now.held, now.due.is_none()), (!held.is_empty(), !held.is_empty()));
        accepted.push(id);
    }
    assert_eq!(world.claim_due(at(99), 10).await, (vec![], None));
}

pub async fn each_end_lets_the_next_one_go_in_order(world: &World) {
    let mut waiting = Vec::new();
    for _ in 0..4 {
        waiting.push(world.accept(world.event_with_key("a")).await);
    }
    for (n, verdict) in [Verdict::Delivered, Verdict::Failed, Verdict::Delivered].into_iter().enumerate() {
        let when = at(10 + i64::try_from(n).unwrap());
        assert_eq!(world.claim_due(at(99), 10).await.0, [waiting[n]]);
        assert_eq!(world.record(waiting[n], verdict, when).await.promoted, Some(waiting[n + 1]));
        let next = world.stored(waiting[n + 1]).await;
        assert_eq!((next.held, next.due), (false, Some(when)));
    }
    assert_eq!(world.record(waiting[3], Verdict::Delivered, at(20)).await.promoted, None);
    let fresh = world.accept(world.event_with_key("a")).await;
    assert_eq!(world.claim_due(at(99), 10).await.0, [fresh]);
}

pub async fn a_retry_keeps_the_key_waiting(world: &World) {
    let first = world.accept(world.event_with_key("a")).await;
    let second = world.accept(world.event_with_key("a")).await;
    assert_eq!(world.record(first, Verdict::Retry { due: at(50) }, at(1)).await.promoted, None);
    assert_eq!(world.claim_due(at(49), 10).await, (vec![], Some(at(50))));
    assert_eq!(world.claim_due(at(50), 10).await, (vec![first], None));
    assert_eq!(world.record(first, Verdict::Delivered, at(51)).await.promoted, Some(second));
}

pub async fn one_that_was_held_starts_no_sooner_than_it_was_to(world: &World) {
    let accept = async |due: i64| {
        let mut event = world.event_with_key("a");
        event.deliveries[0].due = at(due);
        world.accept(event).await
    };
    let (first, second, third, last) = (accept(10).await, accept(20).await, accept(30).await, accept(90).await);
    assert_eq!(world.claim_due(at(9), 10).await, (vec![], Some(at(10))));
    assert_eq!(world.claim_due(at(10), 10).await, (vec![first], None));
    assert_eq!(world.record(first, Verdict::Delivered, at(11)).await.promoted, Some(second));
    assert_eq!(world.claim_due(at(19), 10).await, (vec![], Some(at(20))));
    assert_eq!(world.claim_due(at(20), 10).await, (vec![second], None));
    assert_eq!(world.record(second, Verdict::Delivered, at(40)).await.promoted, Some(third));
    assert_eq!(world.claim_due(at(40), 10).await, (vec![third], None), "its time has passed");
    let endpoint = EndpointRecord { id: world.endpoint, ordering: Ordering::None, ..world.new_endpoint() };
    world.storage.update_endpoint(endpoint).await.unwrap();
    assert_eq!(world.claim_due(at(89), 10).await, (vec![], Some(at(90))), "also when it is let go with all others");
    assert_eq!(world.claim_due(at(90), 10).await, (vec![last], None));
}

pub async fn keys_and_endpoints_do_not_wait_for_one_another(world: &World) {
    let elsewhere = world.another_endpoint().await;
    let here = world.accept(world.event_with_key("a")).await;
    let other_key = world.accept(world.event_with_key("b")).await;
    let no_key = world.accept(world.event_for_one()).await;
    let delivery = NewDelivery { queue_key: Some("a".into()), ..world.delivery(elsewhere) };
    let there = delivery.id;
    world.accept(NewEvent { deliveries: vec![delivery], ..world.event() }).await;
    assert_eq!(world.claim_due(at(1), 10).await.0, [here, other_key, no_key]);
    let claimed = world.storage.claim_due(elsewhere, at(1), 10).await.unwrap().items;
    assert_eq!(claimed.iter().map(|item| item.id).collect::<Vec<_>>(), [there]);
}

pub async fn held_deliveries_are_never_due(world: &World) {
    let first = world.accept(world.event_with_key("a")).await;
    for _ in 0..50 {
        world.accept(world.event_with_key("a")).await;
    }
    assert_eq!(world.claim_due(at(1_000_000), 100).await, (vec![first], None));
    assert_eq!(world.claim_due(at(1_000_000), 100).await, (vec![], None));
}

pub async fn of_callers_at_once_one_starts_for_each_key(world: &World) {
    let events: Vec<_> = (0..60).map(|n| world.event_with_key(["a", "b", "c"][n % 3])).collect();
    let accepted = join_all(events.into_iter().map(|event| world.storage.accept_event(event))).await;
    let started =
        accepted.iter().filter(|accepted| matches!(accepted, Ok(Accepted::New { held }) if held.is_empty())).count();
    assert_eq!(started, 3);
    let mut delivered = 0;
    while let Some(next) = world.claim_due(at(1), 1).await.0.pop() {
        world.record(next, Verdict::Delivered, at(1)).await;
        delivered += 1;
    }
    assert_eq!(delivered, 60, "in the end each had its turn");
}

pub async fn events_of_one_turn_wait_for_one_another(world: &World) {
    let events: Vec<_> = (0..3).map(|_| world.event_with_key("conversation")).collect();
    let ids: Vec<_> = events.iter().map(|event| event.deliveries[0].id).collect();
    let turn = Turn { events, ..first_turn(world) };
    let stored = world.storage.commit_turn(turn).await.unwrap();
    let expected = [vec![], vec![ids[1]], vec![ids[2]]].map(|held| Accepted::New { held });
    assert_eq!(stored.events, expected);
    for (n, id) in ids.iter().enumerate() {
        assert_eq!(world.claim_due(at(9), 10).await.0, [*id]);
        assert_eq!(world.record(*id, Verdict::Delivered, at(9)).await.promoted, ids.get(n + 1).copied());
    }
}

pub async fn a_delivery_that_was_let_go_lets_nobody_else_go(world: &World) {
    let mut event = world.event_with_key("a");
    event.deliveries[0].claim = true;
    let old = world.accept(event).await;
    for ordering in [Ordering::None, Ordering::Key] {
        let endpoint = EndpointRecord { id: world.endpoint, ordering, ..world.new_endpoint() };
        world.storage.update_endpoint(endpoint).await.unwrap();
    }
    let running = world.accept(world.event_with_key("a")).await;
    let held = world.accept(world.event_with_key("a")).await;
    assert_eq!(world.record(old, Verdict::Delivered, at(1)).await.promoted, None);
    assert_eq!(world.claim_due(at(9), 10).await.0, [running]);
    assert_eq!(world.record(running, Verdict::Delivered, at(2)).await.promoted, Some(held));
}

pub async fn a_held_delivery_names_the_one_before_it(world: &World) {
    let first = world.accept(world.event_with_key("a")).await;
    let second = world.accept(world.event_with_key("a")).await;
    let last = world.accept(world.event_with_key("a")).await;
    let behind = async |project, delivery| world.storage.waits_behind(project, delivery).await.unwrap();
    assert_eq!(behind(world.project, second).await, Some(first));
    assert_eq!(behind(world.project, last).await, Some(first));
    assert_eq!(behind(world.project, first).await, None);
    assert_eq!(behind(world.other_project().await, second).await, None);
    world.record(first, Verdict::Delivered, at(1)).await;
    assert_eq!(behind(world.project, last).await, Some(second));
    assert_eq!(behind(world.project, second).await, None);
}
