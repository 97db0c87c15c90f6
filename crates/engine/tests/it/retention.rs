use super::support::{World, eventually, refused};
use jiff::SignedDuration;
use kanca_domain::deliveries::DeliveryStatus;
use kanca_domain::endpoints::EndpointStatus;
use kanca_domain::ids::EventId;
use kanca_engine::EngineError;
use kanca_engine::endpoints::EndpointPatch;
use kanca_engine::inboxes::{Inbox, Incoming, NewInbox};
use kanca_engine::projects::ProjectPatch;
use kanca_engine::retention::{Keeper, Report};
use kanca_engine::settings::Settings;
use kanca_engine::storage::PageRequest;
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);

async fn is_there(world: &World, event: EventId) -> bool {
    match world.engine.event(world.project(), event).await {
        Ok(_) => true,
        Err(EngineError::NotFound(_)) => false,
        Err(error) => panic!("{error}"),
    }
}

async fn delivered(world: &World, event_type: &str) -> EventId {
    let event = world.publish(event_type, None).await;
    let arrived = async || world.delivery_of(event).await.status == DeliveryStatus::Delivered;
    eventually("it arrives", arrived).await;
    event
}

/// Days go by as they do: a pass in each hour is enough.
async fn days_go_by(world: &World, keeper: &mut Keeper, days: u32) -> u64 {
    let mut events = 0;
    for _ in 0..24 * days {
        world.pass(DAY / 24);
        events += world.engine.drop_what_is_old(keeper).await.unwrap().events;
    }
    events
}

async fn keep_days(world: &World, days: Option<u64>) {
    let patch = ProjectPatch { keep_days: Some(days), ..ProjectPatch::default() };
    world.engine.patch_project(world.project(), patch).await.unwrap();
}

#[tokio::test]
async fn what_has_ended_goes_after_thirty_days_and_what_is_pending_stays() {
    let world = World::new().await;
    world.endpoint("shop", &["order.*"]).await;
    let paused = world.endpoint("paused", &["parcel.*"]).await;
    let pause = EndpointPatch { status: Some(EndpointStatus::Paused), ..EndpointPatch::default() };
    world.engine.patch_endpoint(world.project(), paused.record.id, pause).await.unwrap();
    let old = delivered(&world, "order.paid").await;
    let waiting = world.publish("parcel.sent", None).await;
    let mut keeper = Keeper::default();
    assert_eq!(days_go_by(&world, &mut keeper, 29).await, 0);
    let young = delivered(&world, "order.paid").await;
    assert!(days_go_by(&world, &mut keeper, 2).await >= 1);
    assert!(!is_there(&world, old).await);
    assert!(is_there(&world, waiting).await && is_there(&world, young).await);
    let counts = world.engine.endpoint_counts(world.project()).await.unwrap();
    assert_eq!(counts[&paused.record.id].pending, 1);
    assert_eq!(counts.values().map(|c| c.delivered).sum::<u64>(), 1, "what was dropped is not counted");
}

#[tokio::test]
async fn a_project_may_keep_for_another_time_or_for_ever() {
    let world = World::new().await;
    world.endpoint("shop", &["order.*"]).await;
    let event = delivered(&world, "order.paid").await;
    let mut keeper = Keeper::default();
    keep_days(&world, Some(0)).await;
    assert_eq!(days_go_by(&world, &mut keeper, 40).await, 0);
    assert!(is_there(&world, event).await);
    keep_days(&world, Some(7)).await;
    world.engine.drop_what_is_old(&mut keeper).await.unwrap();
    assert!(!is_there(&world, event).await);
    let event = delivered(&world, "order.paid").await;
    assert_eq!(days_go_by(&world, &mut keeper, 6).await, 0);
    assert_eq!(days_go_by(&world, &mut keeper, 2).await, 1);
    assert!(!is_there(&world, event).await);

    let patch = ProjectPatch { keep_days: Some(Some(3_651)), ..ProjectPatch::default() };
    let Err(EngineError::Invalid(faults)) = world.engine.patch_project(world.project(), patch).await else {
        panic!("ten years are the most")
    };
    assert_eq!(faults[0].field, "retention.days");
}

#[tokio::test]
async fn a_clock_that_jumps_into_another_century_does_not_empty_the_database() {
    let world = World::new().await;
    world.endpoint("shop", &["order.*"]).await;
    let event = delivered(&world, "order.paid").await;
    let start = world.engine.now();
    let mut keeper = Keeper::default();
    world.engine.drop_what_is_old(&mut keeper).await.unwrap();
    world.pass(DAY * 365 * 74);
    let accepted_in_2100 = world.publish("order.paid", None).await;
    for _ in 0..100 {
        let report = world.engine.drop_what_is_old(&mut keeper).await.unwrap();
        assert_eq!(report, Report::default());
    }
    // Nor after a restart, even if the clock still stands wrong.
    let world = world.restart().await;
    let mut keeper = Keeper::default();
    for _ in 0..100 {
        assert_eq!(world.engine.drop_what_is_old(&mut keeper).await.unwrap(), Report::default());
    }
    world.set_clock(start.saturating_add(SignedDuration::from_hours(1)).unwrap());
    world.engine.drop_what_is_old(&mut keeper).await.unwrap();
    assert!(is_there(&world, event).await && is_there(&world, accepted_in_2100).await);
    // What is accepted after the clock was set right ages by its own time, though its id lies in that century.
    let after = delivered(&world, "order.paid").await;
    days_go_by(&world, &mut keeper, 31).await;
    assert!(!is_there(&world, event).await && !is_there(&world, after).await);
}

#[tokio::test]
async fn what_failed_is_dropped_too() {
    let world = World::new().await;
    world.service_answers(|_| refused());
    world.endpoint("dead", &["order.*"]).await;
    let event = world.publish("order.paid", None).await;
    for _ in 0..10 {
        let before = world.delivery_of(event).await.attempt_count;
        eventually("the attempt is recorded", async || {
            world.delivery_of(event).await.attempt_count > before || before > 0
        })
        .await;
        let Some(due) = world.delivery_of(event).await.due else { break };
        let count = world.delivery_of(event).await.attempt_count;
        world.turn_clock_to(due);
        eventually("the next attempt", async || world.delivery_of(event).await.attempt_count > count).await;
    }
    assert_eq!(world.delivery_of(event).await.status, DeliveryStatus::Failed);
    let mut keeper = Keeper::default();
    days_go_by(&world, &mut keeper, 36).await;
    assert!(!is_there(&world, event).await);
}

/// Somebody sends six megabytes to an inbox.
async fn capture(world: &World, inbox: &Inbox) {
    let incoming = Incoming {
        method: "POST".into(),
        target: b"/in/box".to_vec(),
        headers: Vec::new(),
        body: vec![b'x'; 6_000_000].into(),
        oversize: None,
        remote_addr: "192.0.2.7".into(),
        started: std::time::Instant::now(),
        hops: 0,
    };
    world.engine.capture(inbox, incoming).await.unwrap();
}

#[tokio::test]
async fn what_is_too_large_goes_from_its_oldest_end_be_it_events_or_requests() {
    let world = World::with(Settings { keep_bytes: 20_000_000, ..Settings::new("http://kanca.test") }).await;
    world.endpoint("shop", &["order.*"]).await;
    let inbox = world.engine.create_inbox(world.project(), NewInbox::default()).await.unwrap();
    let captured = async || {
        let page = PageRequest { after: None, limit: 10 };
        world.engine.requests(world.project(), inbox.record.id, page).await.unwrap().items.len()
    };
    let mut events = Vec::new();
    for _ in 0..2 {
        for _ in 0..3 {
            capture(&world, &inbox).await;
        }
        for _ in 0..10 {
            events.push(delivered(&world, "order.paid").await);
        }
    }
    let mut keeper = Keeper::default();
    let report = world.engine.drop_what_is_old(&mut keeper).await.unwrap();
    assert_eq!((report.events, report.requests), (0, 3), "the three oldest are enough");
    assert_eq!(captured().await, 3);

    capture(&world, &inbox).await;
    let report = world.engine.drop_what_is_old(&mut keeper).await.unwrap();
    assert_eq!((report.events, report.requests), (10, 1), "the events before the next request go before it");
    assert_eq!(captured().await, 3);
    for (n, event) in events.iter().enumerate() {
        assert_eq!(is_there(&world, *event).await, n >= 10, "event {n}");
    }
    assert_eq!(world.engine.drop_what_is_old(&mut keeper).await.unwrap(), Report::default(), "it fits");
}
