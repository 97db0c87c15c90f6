//! Handing out deliveries: each to one caller at a time.

use super::world::{World, at};
use crate::deliveries::{NewDelivery, Verdict, Waiter};
use crate::events::NewEvent;
use futures_util::future::{join_all, poll_immediate};
use kanca_domain::ids::DeliveryId;
use std::collections::HashSet;
use std::pin::pin;

pub async fn what_is_due_is_handed_out_once_and_earliest_first(world: &World) {
    let second = world.accept_due(at(20)).await;
    let third = world.accept_due(at(20)).await;
    let first = world.accept_due(at(10)).await;
    assert_eq!(world.claim_due(at(20), 10).await, (vec![first, second, third], None));
    assert_eq!(world.claim_due(at(20), 10).await, (vec![], None));
}

pub async fn what_is_not_due_yet_says_when_it_will_be(world: &World) {
    assert_eq!(world.claim_due(at(0), 10).await, (vec![], None));
    let later = world.accept_due(at(30)).await;
    world.accept_due(at(40)).await;
    let soon = world.accept_due(at(20)).await;
    assert_eq!(world.claim_due(at(20), 10).await, (vec![soon], Some(at(30))));
    assert_eq!(world.claim_due(at(29), 10).await, (vec![], Some(at(30))));
    assert_eq!(world.claim_due(at(30), 10).await, (vec![later], Some(at(40))));
}

pub async fn the_limit_leaves_the_rest_and_says_so(world: &World) {
    let mut expected = Vec::new();
    for n in 0..5 {
        expected.push(world.accept_due(at(n)).await);
    }
    assert_eq!(world.claim_due(at(10), 2).await, (expected[..2].to_vec(), Some(at(2))));
    assert_eq!(world.claim_due(at(10), 2).await, (expected[2..4].to_vec(), Some(at(4))));
    assert_eq!(world.claim_due(at(10), 2).await, (expected[4..].to_vec(), None));
}

pub async fn what_the_caller_took_when_accepting_is_not_handed_out(world: &World) {
    let mut event = world.event_for_one();
    event.deliveries[0].claim = true;
    let taken = world.accept(event).await;
    let free = world.accept(world.event_for_one()).await;
    assert_eq!(world.claim_due(at(9), 10).await, (vec![free], None));
    assert!(world.claim(taken).await.is_none());
    world.record(taken, Verdict::Retry { due: at(20) }, at(1)).await;
    assert_eq!(world.claim_due(at(20), 10).await.0, [taken]);
}

pub async fn a_held_delivery_that_the_caller_took_is_its_own_when_promoted(world: &World) {
    let running = world.accept(world.event_with_key("a")).await;
    let mut event = world.event_with_key("a");
    event.deliveries[0].claim = true;
    let held = world.accept(event).await;
    assert_eq!(world.claim_due(at(1), 10).await.0, [running]);
    assert_eq!(world.record(running, Verdict::Delivered, at(2)).await.promoted, Some(held));
    assert_eq!(world.claim_due(at(9), 10).await, (vec![], None), "its caller attempts it, so nobody else may");
    assert!(world.claim(held).await.is_none());
    world.storage.release(vec![held]).await.unwrap();
    assert_eq!(world.claim_due(at(9), 10).await.0, [held]);
}

pub async fn released_deliveries_are_handed_out_again(world: &World) {
    let mut event = world.event_for_one();
    event.deliveries[0].claim = true;
    let taken = world.accept(event).await;
    let due = world.accept(world.event_for_one()).await;
    assert_eq!(world.claim_due(at(1), 10).await.0, [due]);
    let before = world.stored(due).await;
    world.storage.release(vec![taken, due, world.id()]).await.unwrap();
    let claimed = world.storage.claim_due(world.endpoint, at(1), 10).await.unwrap().items;
    assert_eq!(claimed.iter().map(|item| item.id).collect::<Vec<_>>(), [taken, due]);
    assert!(claimed.iter().all(|item| item.steps_used == 0 && item.attempt_count == 0), "a release changes nothing");
    assert_eq!(world.stored(due).await.due, before.due);
}

pub async fn deliveries_are_claimed_by_name_whatever_their_due_time(world: &World) {
    let wanted = [world.accept_due(at(500)).await, world.accept_due(at(1)).await];
    let claimed = world.storage.claim(wanted.to_vec()).await.unwrap();
    assert_eq!(claimed.iter().map(|item| item.id).collect::<Vec<_>>(), wanted);
    assert!(world.storage.claim(wanted.to_vec()).await.unwrap().is_empty());
    assert_eq!(world.claim_due(at(1000), 10).await, (vec![], None));
}

pub async fn held_claimed_ended_and_unknown_deliveries_are_not_claimed_by_name(world: &World) {
    let running = world.accept(world.event_with_key("a")).await;
    let held = world.accept(world.event_with_key("a")).await;
    let ended = world.accept(world.event_for_one()).await;
    world.record(ended, Verdict::Delivered, at(1)).await;
    world.claim(running).await.unwrap();
    let wanted = vec![running, held, ended, world.id()];
    assert!(world.storage.claim(wanted).await.unwrap().is_empty());
    let promoted = world.record(running, Verdict::Delivered, at(1)).await.promoted;
    assert_eq!(promoted, Some(held));
    assert_eq!(world.claim(held).await.unwrap().id, held);
}

pub async fn callers_at_once_never_get_the_same_delivery(world: &World) {
    let mut all = HashSet::new();
    for _ in 0..200 {
        all.insert(world.accept(world.event_for_one()).await);
    }
    let named: Vec<DeliveryId> = all.iter().copied().collect();
    let due = join_all((0..20).map(|_| world.storage.claim_due(world.endpoint, at(1), 15)));
    let by_name = join_all((0..20).map(|n| world.storage.claim(named[n * 10..(n + 1) * 10].to_vec())));
    let (due, by_name) = futures_util::future::join(due, by_name).await;
    let due = due.into_iter().flat_map(|claimed| claimed.unwrap().items);
    let by_name = by_name.into_iter().flat_map(Result::unwrap);
    let handed_out: Vec<DeliveryId> = due.chain(by_name).map(|item| item.id).collect();
    assert_eq!(handed_out.len(), 200, "each is handed out, and once");
    assert_eq!(handed_out.into_iter().collect::<HashSet<_>>(), all);
}

pub async fn each_endpoint_has_its_own_queue(world: &World) {
    let second = world.another_endpoint().await;
    let mine = world.accept(world.event_for_one()).await;
    let theirs = world.delivery(second);
    let theirs_id = theirs.id;
    world.accept(NewEvent { deliveries: vec![theirs], ..world.event() }).await;
    let claimed = world.storage.claim_due(second, at(1), 10).await.unwrap();
    assert_eq!(claimed.items.iter().map(|item| item.id).collect::<Vec<_>>(), [theirs_id]);
    assert_eq!(world.claim_due(at(1), 10).await, (vec![mine], None));
    assert!(world.storage.claim_due(world.id(), at(1), 10).await.unwrap().items.is_empty());
}

pub async fn a_claim_carries_all_that_an_attempt_needs(world: &World) {
    let waiter = Waiter { conversation_id: world.id(), call: 7, deadline: at(10) };
    let delivery = NewDelivery {
        queue_key: Some("customer".into()),
        waiter: Some(waiter.clone()),
        ..world.delivery(world.endpoint)
    };
    let event = NewEvent {
        timestamp: "2020-02-02T02:02:02.000000002Z".parse().unwrap(),
        accepted_at: at(3),
        hops: 5,
        deliveries: vec![delivery.clone()],
        ..world.event()
    };
    world.accept(event.clone()).await;
    let claimed = world.claim(delivery.id).await.unwrap();
    assert_eq!((claimed.id, claimed.project_id), (delivery.id, world.project));
    assert_eq!((claimed.endpoint_id, claimed.event_id), (world.endpoint, event.id));
    assert_eq!((claimed.event_type, claimed.timestamp), (event.event_type, event.timestamp));
    assert_eq!((claimed.accepted_at, claimed.hops), (at(3), 5));
    assert_eq!(claimed.data.as_str(), event.data.as_str());
    assert_eq!((claimed.queue_key.as_deref(), claimed.waiter), (Some("customer"), Some(waiter)));
    assert_eq!((claimed.steps_used, claimed.attempt_count, claimed.manual), (0, 0, false));
    world.record(delivery.id, Verdict::Retry { due: at(5) }, at(4)).await;
    let again = world.claim(delivery.id).await.unwrap();
    assert_eq!((again.steps_used, again.attempt_count, again.manual), (1, 1, false));
}

pub async fn what_is_due_behind_thousands_of_claims_is_found(world: &World) {
    for _ in 0..30 {
        let deliveries = (0..100).map(|_| world.delivery(world.endpoint)).collect();
        world.accept(NewEvent { deliveries, ..world.event() }).await;
    }
    for _ in 0..30 {
        assert_eq!(world.claim_due(at(1), 100).await.0.len(), 100);
    }
    assert_eq!(world.claim_due(at(1), 100).await, (vec![], None));
    let new = world.accept(world.event_for_one()).await;
    assert_eq!(world.claim_due(at(1), 100).await, (vec![new], None));
}

pub async fn a_delivery_that_becomes_due_before_claimed_ones_is_found(world: &World) {
    let mut claimed = Vec::new();
    for n in 0..20 {
        claimed.push(world.accept_due(at(100 + n)).await);
    }
    assert_eq!(world.claim_due(at(200), 100).await.0, claimed);
    let earlier = world.accept_due(at(50)).await;
    assert_eq!(world.claim_due(at(200), 100).await.0, [earlier]);
    world.record(claimed[15], Verdict::Retry { due: at(101) }, at(60)).await;
    assert_eq!(world.claim_due(at(200), 100).await.0, [claimed[15]]);
    world.storage.release(vec![claimed[3]]).await.unwrap();
    assert_eq!(world.claim_due(at(200), 100).await.0, [claimed[3]]);
    let far = world.accept_due(at(9000)).await;
    world.storage.retry_delivery(world.project, far, at(10)).await.unwrap();
    assert_eq!(world.claim_due(at(200), 100).await.0, [far]);
}

pub async fn an_event_without_ordering_waits_for_nobody(world: &World) {
    let first = world.accept(world.event_for_one()).await;
    let second = world.accept(world.event_for_one()).await;
    assert_eq!(world.claim_due(at(1), 10).await.0, [first, second]);
}

pub async fn a_dropped_call_gives_its_claims_back(world: &World) {
    let mut event = world.event_for_one();
    event.deliveries[0].claim = true;
    let accepted = event.deliveries[0].id;
    let waiting = world.accept(world.event_for_one()).await;
    {
        let mut accept = pin!(world.storage.accept_event(event));
        let mut claim = pin!(world.storage.claim_due(world.endpoint, at(1), 10));
        let _ = (poll_immediate(accept.as_mut()).await, poll_immediate(claim.as_mut()).await);
    }
    // The calls may have been carried out or not; what they took must come back in the end.
    let mut found = HashSet::new();
    for _ in 0..10_000 {
        found.extend(world.claim_due(at(1), 10).await.0);
        let stored = world.storage.delivery(world.project, accepted).await.unwrap().is_some();
        if found.contains(&waiting) && (found.contains(&accepted) || !stored) {
            return;
        }
    }
    panic!("claimed for ever: found {found:?}");
}
