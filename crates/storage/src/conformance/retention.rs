//! What is kept no longer goes in portions, and nothing else does.

use super::world::{World, at, first};
use crate::deliveries::{DeliveryFilter, StatusCounts, Verdict};
use crate::events::NewEvent;
use crate::inboxes::{ConfiguredResponse, InboxRecord, Keep, RequestRecord, RequestSummary, SignatureState};
use crate::retention::Oldest;
use bytes::Bytes;
use kanca_domain::deliveries::DeliveryStatus;
use kanca_domain::events::EventData;
use kanca_domain::ids::{DeliveryId, EventId, InboxId, ProjectId};

/// An event accepted at `seconds`, whose one delivery is claimed by nobody.
async fn event(world: &World, seconds: i64) -> (EventId, DeliveryId) {
    let event = NewEvent { accepted_at: at(seconds), ..world.event_for_one() };
    (event.id, world.accept(event).await)
}

async fn ended(world: &World, seconds: i64) -> (EventId, DeliveryId) {
    let (event, delivery) = event(world, seconds).await;
    world.record(delivery, Verdict::Delivered, at(seconds)).await;
    (event, delivery)
}

async fn exists(world: &World, event: EventId) -> bool {
    world.storage.event(world.project, event).await.unwrap().is_some()
}

async fn drop_before(world: &World, project: ProjectId, seconds: i64) -> (u64, u64, u64) {
    let dropped = world.storage.drop_old_events(project, at(seconds), None, 100).await.unwrap();
    assert_eq!(dropped.next, None, "{dropped:?}");
    (dropped.events, dropped.deliveries, dropped.attempts)
}

pub async fn an_old_event_goes_with_its_deliveries_and_attempts(world: &World) {
    let second = world.another_endpoint().await;
    let new = NewEvent {
        deliveries: vec![world.delivery(world.endpoint), world.delivery(second)],
        accepted_at: at(1),
        ..world.event()
    };
    let (old, [delivered, failed]) = (new.id, [new.deliveries[0].id, new.deliveries[1].id]);
    world.accept(new).await;
    world.record(delivered, Verdict::Delivered, at(2)).await;
    world.record(failed, Verdict::Retry { due: at(3) }, at(2)).await;
    world.record(failed, Verdict::Failed, at(3)).await;
    let unmatched = NewEvent { accepted_at: at(1), ..world.event() };
    let unmatched_id = unmatched.id;
    world.storage.accept_event(unmatched).await.unwrap();
    let (young, arrived) = ended(world, 10).await;

    assert_eq!(drop_before(world, world.project, 10).await, (2, 2, 3));
    assert!(!exists(world, old).await && !exists(world, unmatched_id).await && exists(world, young).await);
    for delivery in [delivered, failed] {
        assert!(world.storage.delivery(world.project, delivery).await.unwrap().is_none());
    }
    let listed = world.storage.deliveries(world.project, DeliveryFilter::default(), first(10)).await.unwrap();
    assert_eq!(listed.items.iter().map(|delivery| delivery.id).collect::<Vec<_>>(), [arrived]);
    let (_, attempts) = world.storage.delivery(world.project, arrived).await.unwrap().unwrap();
    assert_eq!(attempts.len(), 1);
    let counts = world.storage.delivery_counts(world.project).await.unwrap();
    assert_eq!(counts, StatusCounts { delivered: 1, ..StatusCounts::default() }, "the counts are those of the rows");
    assert_eq!(drop_before(world, world.project, 10).await, (0, 0, 0));
}

pub async fn an_event_that_is_not_ended_stays_whole(world: &World) {
    let (waiting, delivery) = event(world, 1).await;
    let second = world.another_endpoint().await;
    let half = NewEvent {
        deliveries: vec![world.delivery(world.endpoint), world.delivery(second)],
        accepted_at: at(1),
        ..world.event()
    };
    let (half_id, arrived) = (half.id, half.deliveries[0].id);
    world.accept(half).await;
    world.record(arrived, Verdict::Delivered, at(2)).await;
    assert_eq!(drop_before(world, world.project, 100).await, (0, 0, 0));
    assert!(exists(world, waiting).await && exists(world, half_id).await);
    assert_eq!(world.status(arrived).await, DeliveryStatus::Delivered);

    world.record(delivery, Verdict::Failed, at(3)).await;
    world.storage.retry_delivery(world.project, delivery, at(4)).await.unwrap();
    assert_eq!(drop_before(world, world.project, 100).await, (0, 0, 0), "it is being tried once more");
    world.record(delivery, Verdict::Failed, at(5)).await;
    assert_eq!(drop_before(world, world.project, 100).await, (1, 1, 2));
    assert!(!exists(world, waiting).await && exists(world, half_id).await);
}

pub async fn old_events_are_dropped_in_portions(world: &World) {
    let (pending, _) = event(world, 1).await;
    let mut old = Vec::new();
    for _ in 0..4 {
        old.push(ended(world, 1).await.0);
    }
    let (young, _) = ended(world, 10).await;
    let mut after = None;
    for gone in [1, 3, 4] {
        let dropped = world.storage.drop_old_events(world.project, at(10), after, 2).await.unwrap();
        after = dropped.next;
        for (n, event) in old.iter().enumerate() {
            assert_eq!(exists(world, *event).await, n >= gone, "after {gone}, event {n}");
        }
    }
    while after.is_some() {
        let dropped = world.storage.drop_old_events(world.project, at(10), after, 2).await.unwrap();
        assert_eq!(dropped.events, 0);
        after = dropped.next;
    }
    assert!(exists(world, pending).await && exists(world, young).await);
}

pub async fn much_is_not_dropped_at_once(world: &World) {
    let mut events: Vec<_> = (0..2_000).map(|_| NewEvent { accepted_at: at(1), ..world.event_for_one() }).collect();
    for event in &mut events {
        let delivery = event.deliveries[0].id;
        world.storage.accept_event(event.clone()).await.unwrap();
        world.record(delivery, Verdict::Delivered, at(1)).await;
    }
    let (mut after, mut portions, mut total) = (None, 0, 0);
    loop {
        let dropped = world.storage.drop_old_events(world.project, at(9), after, 100_000).await.unwrap();
        assert!(dropped.events <= 200, "{dropped:?}");
        total += dropped.events;
        portions += 1;
        after = dropped.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(total, 2_000);
    assert!(portions >= 10, "{portions}");
}

pub async fn an_event_whose_outcome_is_on_its_way_stays(world: &World) {
    let mut new = NewEvent { accepted_at: at(1), ..world.event_for_one() };
    new.deliveries[0].claim = true;
    let id = new.id;
    let delivery = world.accept(new).await;
    world.storage.delete_endpoint(world.project, world.endpoint, at(2)).await.unwrap();
    assert_eq!(world.status(delivery).await, DeliveryStatus::Cancelled);
    assert_eq!(drop_before(world, world.project, 100).await.0, 0);
    world.record(delivery, Verdict::Delivered, at(3)).await;
    assert_eq!(drop_before(world, world.project, 100).await, (1, 1, 1));
    assert!(!exists(world, id).await);
}

pub async fn events_are_dropped_only_in_their_project(world: &World) {
    let (mine, _) = ended(world, 1).await;
    let other = world.other_project().await;
    let theirs = NewEvent { project_id: other, accepted_at: at(1), ..world.event() };
    let theirs_id = theirs.id;
    world.storage.accept_event(theirs).await.unwrap();
    assert_eq!(drop_before(world, other, 10).await, (1, 0, 0));
    assert!(exists(world, mine).await);
    assert!(world.storage.event(other, theirs_id).await.unwrap().is_none());
}

pub async fn the_oldest_events_of_all_projects_go_first(world: &World) {
    let (first_event, _) = ended(world, 1).await;
    let other = world.other_project().await;
    let theirs = NewEvent { project_id: other, accepted_at: at(2), ..world.event() };
    let theirs_id = theirs.id;
    world.storage.accept_event(theirs).await.unwrap();
    let (pending, _) = event(world, 3).await;
    let (last, _) = ended(world, 4).await;

    let dropped = world.storage.drop_oldest(Oldest::default(), 2).await.unwrap();
    assert_eq!((dropped.events, dropped.deliveries, dropped.attempts), (2, 1, 1));
    assert!(!exists(world, first_event).await && exists(world, last).await);
    assert!(world.storage.event(other, theirs_id).await.unwrap().is_none());
    let dropped = world.storage.drop_oldest(dropped.next.unwrap(), 1).await.unwrap();
    assert_eq!(dropped.events, 0, "it is pending");
    let dropped = world.storage.drop_oldest(dropped.next.unwrap(), 2).await.unwrap();
    assert_eq!((dropped.events, dropped.requests, dropped.next), (1, 0, None));
    assert!(exists(world, pending).await && !exists(world, last).await);
}

pub async fn the_oldest_go_first_whether_event_or_request(world: &World) {
    let (mine, another) = (inbox(world, "mine").await, inbox(world, "another").await);
    capture(world, mine, 1, 30).await;
    // A clock that stands wrong does not change what came first.
    let (first_event, _) = ended(world, 1_000_000).await;
    capture(world, another, 2, 40).await;
    capture(world, mine, 3, 50).await;
    let (pending, _) = event(world, 4).await;
    let (last_event, _) = ended(world, 5).await;
    capture(world, mine, 6, 70).await;

    let mut after = Oldest::default();
    for (requests, events) in
        [([2, 1], [true, true]), ([2, 1], [false, true]), ([2, 0], [false, true]), ([1, 0], [false, true])]
    {
        let dropped = world.storage.drop_oldest(after, 1).await.unwrap();
        assert_eq!(dropped.events + dropped.requests, 1, "{dropped:?}");
        after = dropped.next.unwrap();
        for (inbox, count) in [mine, another].into_iter().zip(requests) {
            let usage = world.storage.inbox_use(world.project, inbox).await.unwrap();
            assert_eq!(usage.request_count, count, "what is gone is no longer counted");
        }
        assert_eq!([exists(world, first_event).await, exists(world, last_event).await], events);
    }
    let dropped = world.storage.drop_oldest(after, 10).await.unwrap();
    assert_eq!((dropped.events, dropped.requests, dropped.next), (1, 1, None));
    assert!(exists(world, pending).await && !exists(world, last_event).await);
    let usage = world.storage.inbox_use(world.project, mine).await.unwrap();
    assert_eq!((usage.request_count, usage.bytes), (0, 0));
}

pub async fn large_requests_go_one_by_one(world: &World) {
    let mine = inbox(world, "mine").await;
    for n in 0..3 {
        capture(world, mine, n, 6 << 20).await;
    }
    let mut after = Oldest::default();
    for left in [2, 1, 0] {
        let dropped = world.storage.drop_oldest(after, 1_000).await.unwrap();
        after = dropped.next.unwrap();
        assert_eq!(world.storage.inbox_use(world.project, mine).await.unwrap().request_count, left);
    }
    assert_eq!(world.storage.drop_oldest(after, 1_000).await.unwrap().next, None);
}

pub async fn what_is_dropped_gives_its_room_back(world: &World) {
    let text = format!("\"{}\"", "x".repeat(50_000));
    let before = world.storage.live_bytes().await.unwrap();
    for _ in 0..20 {
        let data = EventData::parse(text.as_bytes()).unwrap();
        world.storage.accept_event(NewEvent { data, ..world.event() }).await.unwrap();
    }
    let full = world.storage.live_bytes().await.unwrap();
    assert!(full >= before + 20 * 50_000, "{before} → {full}");
    while world.storage.drop_oldest(Oldest::default(), 100).await.unwrap().next.is_some() {}
    let after = world.storage.live_bytes().await.unwrap();
    assert!(after <= before + 100_000, "{before} → {full} → {after}");
}

async fn inbox(world: &World, slug: &str) -> InboxId {
    let id = world.id();
    let inbox = InboxRecord {
        id,
        project_id: world.project,
        name: slug.into(),
        slug: slug.into(),
        response: ConfiguredResponse { status: 200, headers: Vec::new(), body: String::new() },
        sealed_signing_secret: Vec::new(),
        created_at: at(0),
        updated_at: at(0),
    };
    world.storage.create_inbox(inbox).await.unwrap();
    id
}

async fn capture(world: &World, inbox: InboxId, seconds: i64, bytes: usize) {
    let summary = RequestSummary {
        id: world.id(),
        inbox_id: inbox,
        received_at: at(seconds),
        method: "POST".into(),
        target: b"/in/demo".to_vec(),
        content_type: None,
        size: bytes as u64,
        remote_addr: "192.0.2.7".into(),
        oversize: false,
        response_status: 200,
        duration_us: 40,
        signature: SignatureState::Unchecked,
        signature_detail: None,
        event_type: None,
    };
    let request = RequestRecord { summary, headers: Vec::new(), body: Bytes::from(vec![7; bytes]) };
    let keep = Keep { requests: 1_000, bytes: 1 << 30 };
    world.storage.capture(world.project, request, keep).await.unwrap();
}

pub async fn old_requests_go_and_are_no_longer_counted(world: &World) {
    let (mine, another) = (inbox(world, "mine").await, inbox(world, "another").await);
    for _ in 0..5 {
        capture(world, mine, 1, 30).await;
        capture(world, another, 1, 30).await;
    }
    capture(world, mine, 10, 70).await;
    let foreign = world.other_project().await;
    assert_eq!(world.storage.drop_old_requests(foreign, mine, at(10), 100).await.unwrap().requests, 0);
    let (mut requests, mut calls) = (0, 0);
    loop {
        let dropped = world.storage.drop_old_requests(world.project, mine, at(10), 2).await.unwrap();
        requests += dropped.requests;
        calls += 1;
        if !dropped.more {
            break;
        }
    }
    assert_eq!(requests, 5);
    assert!(calls >= 3);
    let usage = world.storage.inbox_use(world.project, mine).await.unwrap();
    assert_eq!((usage.request_count, usage.last_request_at), (1, Some(at(10))));
    assert!((70..130).contains(&usage.bytes), "{usage:?}");
    assert_eq!(world.storage.inbox_use(world.project, another).await.unwrap().request_count, 5);
}
