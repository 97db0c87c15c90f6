//! Sending many deliveries again, recovering what was missed, tests, and deleting with a backlog.

use crate::support::{World, eventually, status};
use jiff::SignedDuration;
use kanca_domain::deliveries::DeliveryStatus;
use kanca_domain::endpoints::EndpointStatus;
use kanca_domain::events::EventData;
use kanca_domain::ids::{EndpointId, EventId};
use kanca_engine::EngineError;
use kanca_engine::endpoints::{EndpointPatch, NewEndpoint, OptionsInput};
use kanca_engine::events::Publication;
use kanca_engine::replays::Wanted;
use kanca_engine::storage::deliveries::StatusCounts;
use kanca_engine::traces::WaitReason;
use std::time::Duration;

const FOUR_DAYS: Duration = Duration::from_hours(96);

async fn counts(world: &World, endpoint: EndpointId) -> StatusCounts {
    world.engine.endpoint_counts(world.project()).await.unwrap().get(&endpoint).copied().unwrap_or_default()
}

/// Publishes `n` events that fail for good at an endpoint.
async fn failed(world: &World, endpoint: EndpointId, n: u64) {
    world.service_answers(|_| status(400));
    let one = |n: u64| Publication {
        event_type: "order.paid".parse().unwrap(),
        data: EventData::parse(n.to_string().as_bytes()).unwrap(),
        timestamp: None,
        ordering_key: Some(format!("key-{}", n % 7).parse().unwrap()),
        idempotency_key: None,
        hops: 0,
    };
    let before = counts(world, endpoint).await.failed;
    world.engine.publish_all(world.project(), (0..n).map(one).collect()).await.unwrap();
    eventually("the heads have failed once", async || world.service.seen.lock().len() >= 7).await;
    world.pass(FOUR_DAYS);
    eventually("all are given up", async || counts(world, endpoint).await.failed == before + n).await;
    world.service.seen.lock().clear();
}

fn all() -> Wanted {
    Wanted::default()
}

#[tokio::test]
async fn what_failed_is_sent_again_with_its_whole_schedule_before_it() {
    let world = World::new().await;
    let endpoint = world.endpoint("sick", &["order.*"]).await.record.id;
    failed(&world, endpoint, 21).await;

    assert_eq!(world.engine.retry_many(world.project(), all(), true).await.unwrap(), 21, "a dry run counts");
    assert_eq!(counts(&world, endpoint).await.failed, 21, "and changes nothing");
    assert_eq!(world.engine.retry_many(world.project(), all(), false).await.unwrap(), 21);
    eventually("all are pending", async || counts(&world, endpoint).await.pending == 21).await;
    eventually("the heads of the keys are tried", async || world.service.seen.lock().len() == 7).await;
    assert_eq!(counts(&world, endpoint).await.failed, 0, "one more failure is not the end of it");

    world.service_answers(|_| status(200));
    world.pass(Duration::from_secs(6));
    eventually("all arrive", async || counts(&world, endpoint).await.delivered == 21).await;
    let seen = world.service.seen.lock();
    for key in 0..7 {
        let bodies = seen.iter().map(|(_, r)| String::from_utf8_lossy(&r.body).into_owned());
        let numbers: Vec<u64> = bodies
            .map(|b| serde_json::from_str::<serde_json::Value>(&b).unwrap()["data"].as_u64().unwrap())
            .filter(|n| n % 7 == key)
            .collect();
        assert_eq!(numbers, [key, key, key + 7, key + 14], "events of a key stay in order");
    }
}

#[tokio::test]
async fn a_restart_in_the_middle_of_a_replay_goes_on_with_it() {
    let world = World::new().await;
    let endpoint = world.endpoint("sick", &["order.*"]).await.record.id;
    world.never_disable(endpoint).await;
    for _ in 0..2 {
        failed(&world, endpoint, 900).await;
    }
    world.service_answers(|_| status(200));
    assert_eq!(world.engine.retry_many(world.project(), all(), false).await.unwrap(), 1_800);
    let world = world.restart().await;
    for _ in 0..60 {
        world.pass(Duration::from_millis(100));
        tokio::task::yield_now().await;
    }
    eventually("all arrive", async || {
        world.pass(Duration::from_millis(100));
        counts(&world, endpoint).await == StatusCounts { delivered: 1_800, ..StatusCounts::default() }
    })
    .await;
    let world = world.restart().await;
    assert_eq!(world.engine.retry_many(world.project(), all(), true).await.unwrap(), 0, "nothing is left over");
}

#[tokio::test]
async fn what_was_published_while_an_endpoint_was_disabled_is_recovered() {
    let world = World::new().await;
    let endpoint = world.endpoint("away", &["order.*"]).await.record.id;
    let before = world.publish("order.paid", None).await;
    eventually("it arrives", async || world.asked_for(before) == 1).await;
    let switch = async |to| {
        let patch = EndpointPatch { status: Some(to), ..EndpointPatch::default() };
        world.engine.patch_endpoint(world.project(), endpoint, patch).await.unwrap()
    };
    switch(EndpointStatus::Disabled).await;
    world.pass(Duration::from_mins(1));
    let since = world.engine.now();
    let missed = world.publish("order.paid", Some("a")).await;
    world.publish("user.created", None).await;
    switch(EndpointStatus::Active).await;
    world.pass(FOUR_DAYS);

    let recover = async |dry| world.engine.recover(world.project(), endpoint, since, None, dry).await.unwrap();
    assert_eq!(recover(true).await, 1, "only what it subscribes to and did not get");
    assert_eq!(world.asked_for(missed), 0);
    world.service_answers(|_| status(400));
    assert_eq!(recover(false).await, 1);
    eventually("it is tried under its own id", async || world.asked_for(missed) == 1).await;
    let pending = async || world.delivery_of(missed).await;
    eventually("its age counts from the recovery", async || pending().await.attempt_count == 1).await;
    assert_eq!(pending().await.status, DeliveryStatus::Pending);
    world.service_answers(|_| status(200));
    world.pass(Duration::from_secs(6));
    eventually("it arrives", async || pending().await.status == DeliveryStatus::Delivered).await;
    assert_eq!(recover(true).await, 0, "what was recovered is not missing any more");
    assert_eq!(world.asked_for(before), 1);
}

#[tokio::test]
async fn an_endpoint_made_later_gets_what_was_before_it() {
    let world = World::new().await;
    let since = world.engine.now();
    let events: Vec<EventId> = vec![world.publish("order.paid", None).await, world.publish("order.paid", None).await];
    world.pass(Duration::from_mins(1));
    let endpoint = world.endpoint("new", &["order.*"]).await.record.id;
    let until = since.checked_add(SignedDuration::from_secs(30)).unwrap();
    let recovered = world.engine.recover(world.project(), endpoint, since, Some(until), false).await.unwrap();
    assert_eq!(recovered, 2);
    for event in events {
        eventually("it arrives", async || world.asked_for(event) == 1).await;
    }
    let wrong = world.engine.recover(world.project(), endpoint, until, Some(since), true).await;
    assert!(matches!(wrong, Err(EngineError::Invalid(_))), "{wrong:?}");
}

#[tokio::test]
async fn deleting_an_endpoint_with_a_backlog_cancels_all_of_it_also_over_a_restart() {
    let world = World::new().await;
    let endpoint = world.endpoint("dead", &["order.*"]).await.record.id;
    let pause = EndpointPatch { status: Some(EndpointStatus::Paused), ..EndpointPatch::default() };
    world.engine.patch_endpoint(world.project(), endpoint, pause).await.unwrap();
    for _ in 0..3_000 / 1_000 {
        let one = Publication {
            event_type: "order.paid".parse().unwrap(),
            data: EventData::parse(b"1").unwrap(),
            timestamp: None,
            ordering_key: None,
            idempotency_key: None,
            hops: 0,
        };
        world.engine.publish_all(world.project(), vec![one; 1_000]).await.unwrap();
    }
    world.engine.delete_endpoint(world.project(), endpoint).await.unwrap();
    let world = world.restart().await;
    eventually("all is cancelled", async || {
        let now = counts(&world, endpoint).await;
        assert_eq!(now.pending + now.cancelled, 3_000, "nothing is lost in between");
        now.cancelled == 3_000
    })
    .await;
    assert_eq!(world.service.seen.lock().len(), 0);
}

#[tokio::test]
async fn a_test_reaches_one_endpoint_and_says_what_it_is() {
    let world = World::new().await;
    let endpoint = world.endpoint("tried", &["order.*"]).await.record.id;
    world.endpoint("other", &["*"]).await;
    let sent = world.engine.send_test(world.project(), endpoint, None, None).await.unwrap();
    eventually("it arrives", async || world.asked_for(sent.event_id) == 1).await;
    let (_, request) = world.service.seen.lock()[0].clone();
    assert!(request.url.contains("tried.example") && request.headers.contains(&("kanca-test".into(), "true".into())));
    let event = world.engine.event(world.project(), sent.event_id).await.unwrap();
    assert!(event.test && event.event_type.as_str() == "test.ping", "{event:?}");
    assert!(event.explanation[0].reason.contains("tried"), "{event:?}");
    assert_eq!(world.delivery_of(sent.event_id).await.id, sent.delivery_id);

    let patch = EndpointPatch { status: Some(EndpointStatus::Disabled), ..EndpointPatch::default() };
    world.engine.patch_endpoint(world.project(), endpoint, patch).await.unwrap();
    let refused = world.engine.send_test(world.project(), endpoint, None, None).await;
    assert!(matches!(refused, Err(EngineError::Conflict { code: "endpoint-not-active", .. })), "{refused:?}");
    let ordinary = world.publish("order.paid", None).await;
    eventually("it arrives", async || world.asked_for(ordinary) == 1).await;
    let seen = world.service.seen.lock();
    assert!(!seen.last().unwrap().1.headers.iter().any(|(name, _)| name == "kanca-test"));
}

#[tokio::test]
async fn what_is_sent_again_to_a_paused_or_disabled_endpoint_waits_until_it_is_active() {
    let world = World::new().await;
    let endpoint = world.endpoint("resting", &["*"]).await.record.id;
    let event = world.publish("order.paid", None).await;
    eventually("it arrives", async || world.delivery_of(event).await.status == DeliveryStatus::Delivered).await;
    let delivery = world.delivery_of(event).await.id;
    let set = async |status| {
        let patch = EndpointPatch { status: Some(status), ..EndpointPatch::default() };
        world.engine.patch_endpoint(world.project(), endpoint, patch).await.unwrap();
    };
    for (n, status) in [EndpointStatus::Paused, EndpointStatus::Disabled].into_iter().enumerate() {
        set(status).await;
        let again = world.engine.retry_delivery(world.project(), delivery).await.unwrap();
        let waits = world.engine.waits_for(&again).await.unwrap().map(|wait| wait.reason);
        let expected = if n == 0 { WaitReason::Paused } else { WaitReason::Disabled };
        assert_eq!((again.status, waits), (DeliveryStatus::Pending, Some(expected)));
        assert_eq!(world.asked_for(event), n + 1);
        set(EndpointStatus::Active).await;
        eventually("it goes", async || world.asked_for(event) == n + 2).await;
        eventually("it is recorded", async || world.delivery(delivery).await.status == DeliveryStatus::Delivered).await;
    }
}

#[tokio::test]
async fn what_a_filter_kept_away_is_not_recovered() {
    let world = World::new().await;
    let since = world.engine.now();
    let (one, two) = (world.publish("order.paid", None).await, world.publish("order.small", None).await);
    world.pass(Duration::from_mins(1));
    let options = OptionsInput { filter: Some(Some("event.type == 'order.paid'".into())), ..OptionsInput::default() };
    let new = NewEndpoint {
        name: "filtered".into(),
        url: "https://filtered.example/".into(),
        options,
        ..NewEndpoint::default()
    };
    let endpoint = world.engine.create_endpoint(world.project(), new).await.unwrap().0.record.id;
    let until = since.checked_add(SignedDuration::from_secs(30)).unwrap();
    assert_eq!(world.engine.recover(world.project(), endpoint, since, Some(until), true).await.unwrap(), 1);
    assert_eq!(world.engine.recover(world.project(), endpoint, since, Some(until), false).await.unwrap(), 1);
    eventually("what passes arrives", async || world.asked_for(one) == 1).await;
    eventually("it is recorded", async || counts(&world, endpoint).await.pending == 0).await;
    assert_eq!(world.asked_for(two), 0);
}
